import {
  AgentCapabilities as Bits,
  CommandType,
  type ServerToAgent,
  ServerToAgentFlags,
  uidFromBytes,
} from '@flaghoist/opamp';
import { Client, type Life, type Link } from './client.ts';
import type { Composer } from './composer.ts';
import type { AgentPlan } from './plan.ts';
import { Random } from './random.ts';
import { type AgentRecord, newRecord, recordConnected, type WritableRecord } from './record.ts';
import type { Scenario } from './scenario.ts';
import { Supervisor } from './supervisor.ts';
import { Timers } from './timers.ts';

/** What a Supervisor with everything switched on advertises that this one can do. */
const CAPABILITIES =
  Bits.AgentCapabilities_ReportsStatus |
  Bits.AgentCapabilities_AcceptsRemoteConfig |
  Bits.AgentCapabilities_ReportsEffectiveConfig |
  Bits.AgentCapabilities_ReportsOwnMetrics |
  Bits.AgentCapabilities_AcceptsRestartCommand |
  Bits.AgentCapabilities_ReportsHealth |
  Bits.AgentCapabilities_ReportsRemoteConfig |
  Bits.AgentCapabilities_ReportsHeartbeat |
  Bits.AgentCapabilities_ReportsAvailableComponents;

const LACKS: Partial<Record<AgentPlan['behaviour']['kind'], Bits>> = {
  'no-remote-config': Bits.AgentCapabilities_AcceptsRemoteConfig | Bits.AgentCapabilities_ReportsRemoteConfig,
  'no-status': Bits.AgentCapabilities_ReportsRemoteConfig,
  'no-effective': Bits.AgentCapabilities_ReportsEffectiveConfig,
};

interface AgentOptions {
  readonly plan: AgentPlan;
  readonly scenario: Scenario;
  /** One for all agents of a group. */
  readonly composer: Composer;
  readonly startAt: number;
  readonly link: Link;
}

/**
 * One simulated agent without sockets and clock: what happens is told to it in turns, what it does goes to its link,
 * and `deadline` says when it wants its next turn. The same plan and events give the same conversation.
 */
export class SimulatedAgent {
  readonly plan: AgentPlan;
  private readonly writable: WritableRecord;
  private readonly capabilities: number;
  private readonly timers: Timers;
  private readonly client: Client;
  private readonly supervisor: Supervisor;
  private readonly link: Link;
  /** Cut off by its behaviour. */
  private away = false;

  constructor({ plan, scenario, composer, startAt, link }: AgentOptions) {
    this.plan = plan;
    this.link = link;
    this.capabilities = CAPABILITIES & ~(LACKS[plan.behaviour.kind] ?? 0);
    const timers = new Timers(scenario.timeScale);
    const random = new Random(scenario.seed, `life of ${plan.name}`);
    const record = newRecord(plan);
    const { capabilities } = this;
    const life: Life = { plan, scenario, composer, capabilities, random, timers, record, link };
    this.timers = timers;
    this.writable = record;
    this.client = new Client(life, (part) => this.supervisor.content[part]());
    this.supervisor = new Supervisor(life, this.client);
    timers.set('boot', startAt, () => this.boot());
  }

  get record(): AgentRecord {
    return this.writable;
  }

  /** When the next turn is due; infinity when nothing is waited for. */
  get deadline(): number {
    return this.timers.next;
  }

  /** The turn of the agent at `now`, which never runs backwards: what happened, or what is due. */
  turn(now: number, happened?: (agent: SimulatedAgent) => void): void {
    if (this.client.stopped) return;
    this.timers.now = now;
    if (happened !== undefined) happened(this);
    else while (this.timers.runDue()) this.client.flush();
    this.client.flush();
  }

  /** The WebSocket is open. */
  opened(): void {
    const { kind, every = 3_000, down = 0, after = 1_000 } = this.plan.behaviour;
    recordConnected(this.writable, true);
    this.client.opened();
    if (kind === 'flapper') this.timers.setScaled('absence', every, () => this.goAway(down));
    if (kind === 'slow-reader') this.timers.setScaled('absence', after, () => this.link.stopReading());
  }

  /** The WebSocket or the request came to nothing, or the status was 429 or 503. */
  refused(retryAfterMs?: number): void {
    recordConnected(this.writable, false);
    this.client.refused(retryAfterMs);
  }

  /** The open WebSocket has ended. */
  closed(): void {
    recordConnected(this.writable, false);
    this.client.closed();
  }

  /** The answer to a POST; without message when the status was not 200 or the body is unreadable. */
  answered(message: ServerToAgent | undefined): void {
    this.client.answered();
    if (message === undefined) return;
    recordConnected(this.writable, true);
    this.received(message);
  }

  /** A message from the server, in opamp-go's order: a command ends the processing of its message. */
  received(message: ServerToAgent): void {
    const { client, supervisor } = this;
    if (message.command !== undefined && this.can(Bits.AgentCapabilities_AcceptsRestartCommand)) {
      if (message.command.type === CommandType.CommandType_Restart) supervisor.restart();
      return;
    }
    const flags = Number(message.flags);
    if ((flags & ServerToAgentFlags.ServerToAgentFlags_ReportFullState) !== 0) {
      this.writable.fullStateRequests += 1;
      client.change('description', 'health', 'effective', 'status', 'packages', 'components');
    }
    if ((flags & ServerToAgentFlags.ServerToAgentFlags_ReportAvailableComponents) !== 0) client.change('components');
    const uid = message.agentIdentification?.newInstanceUid;
    if (uid?.length === 16) supervisor.identify(uidFromBytes(uid));
    if (message.remoteConfig !== undefined && this.can(Bits.AgentCapabilities_AcceptsRemoteConfig))
      supervisor.receive(message.remoteConfig);
    const settings = message.connectionSettings?.opamp;
    if (settings !== undefined) client.setHeartbeat(Number(settings.heartbeatIntervalSeconds) * 1000);
  }

  /** An `offline-until` may reach the server. */
  release(): void {
    if (this.away) this.comeBack();
  }

  /** The Supervisor is told to end. */
  stop(): void {
    this.supervisor.end();
    this.client.stop();
    recordConnected(this.writable, false);
  }

  private boot(): void {
    const { kind, until } = this.plan.behaviour;
    this.supervisor.boot();
    if (kind === 'offline-until') this.goAway(until);
    else this.client.start();
  }

  /** Without a time: until released. */
  private goAway(ms: number | undefined): void {
    this.away = true;
    this.client.leave();
    recordConnected(this.writable, false);
    if (ms !== undefined) this.timers.setScaled('absence', ms, () => this.comeBack());
  }

  private comeBack(): void {
    this.away = false;
    this.timers.clear('absence');
    this.client.start();
  }

  private can(capability: Bits): boolean {
    return (this.capabilities & capability) !== 0;
  }
}
