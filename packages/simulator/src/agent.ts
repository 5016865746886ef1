import type { ServerToAgent } from '@flaghoist/opamp';
import { AgentCapabilities as Bits, CommandType, ServerToAgentFlags, uidFromBytes } from '@flaghoist/opamp';
import { Client } from './client.ts';
import type { Life } from './life.ts';
import { type AgentRecord, recordConnected } from './record.ts';
import { Supervisor } from './supervisor.ts';

/**
 * One simulated agent without sockets and clock: what happens is told to it in turns, what it does goes to its link,
 * and `deadline` says when it wants its next turn. The same plan and events give the same conversation.
 */
export class SimulatedAgent {
  private readonly life: Life;
  readonly client: Client;
  readonly record: AgentRecord;
  private readonly supervisor: Supervisor;

  /** @param startAt milliseconds since 1970 */
  constructor(life: Life, startAt: number) {
    this.life = life;
    this.record = life.record;
    this.client = new Client(life, (part) => this.supervisor.content[part]());
    this.supervisor = new Supervisor(life, this.client);
    life.timers.set('boot', startAt, () => this.boot());
  }

  /** When the next turn is due; infinity when nothing is waited for. */
  get deadline(): number {
    return this.life.timers.next;
  }

  /** The turn of the agent at `now`, which never runs backwards: what happened, or what is due. */
  turn(now: number, happened?: (agent: SimulatedAgent) => void): void {
    if (this.client.state === 'stopped') return;
    this.life.timers.now = now;
    if (happened !== undefined) happened(this);
    else while (this.life.timers.runDue()) this.client.flush();
    this.client.flush();
  }

  /** The WebSocket is open. */
  opened(): void {
    const { kind, every = 3_000, down = 0, after = 1_000 } = this.life.plan.behaviour;
    this.client.opened();
    if (kind === 'flapper') this.life.timers.set('absence', every, () => this.goAway(down));
    if (kind === 'slow-reader') this.life.timers.set('absence', after, () => this.life.link.stopReading());
  }

  /** The answer to a POST; without message when the status was not 200 or the body is unreadable. */
  answered(message: ServerToAgent | undefined): void {
    this.client.answered();
    if (message === undefined) return;
    recordConnected(this.life.record, true);
    this.received(message);
  }

  /** A message from the server, in opamp-go's order: a command ends the processing of its message. */
  received(message: ServerToAgent): void {
    const { client, supervisor } = this;
    if (message.command !== undefined && client.can(Bits.AgentCapabilities_AcceptsRestartCommand)) {
      if (message.command.type !== CommandType.CommandType_Restart) return;
      this.life.record.restartCommands += 1;
      supervisor.collector.restart();
      return;
    }
    const flags = Number(message.flags);
    if ((flags & ServerToAgentFlags.ServerToAgentFlags_ReportFullState) !== 0) {
      this.life.record.fullStateRequests += 1;
      client.change('description', 'health', 'effective', 'status', 'packages', 'components');
    }
    if ((flags & ServerToAgentFlags.ServerToAgentFlags_ReportAvailableComponents) !== 0) client.change('components');
    const uid = message.agentIdentification?.newInstanceUid;
    if (uid?.length === 16) supervisor.identify(uidFromBytes(uid));
    if (message.remoteConfig !== undefined && client.can(Bits.AgentCapabilities_AcceptsRemoteConfig))
      supervisor.receive(message.remoteConfig);
  }

  /** Who is cut off by its behaviour may reach the server. */
  release(): void {
    if (this.client.state !== 'unreachable') return;
    this.life.timers.clear('absence');
    this.client.start();
  }

  /** The Supervisor is told to end. */
  stop(): void {
    this.supervisor.collector.end();
    this.client.stop();
  }

  private boot(): void {
    const { kind, until } = this.life.plan.behaviour;
    this.supervisor.boot();
    if (kind === 'offline-until') this.goAway(until);
    else this.client.start();
  }

  /** Without a time: until released. */
  private goAway(ms: number | undefined): void {
    this.client.leave();
    if (ms !== undefined) this.life.timers.set('absence', ms, () => this.release());
  }
}
