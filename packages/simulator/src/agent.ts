import {
  AgentCapabilities as Bits,
  CommandType,
  formatUid,
  type ServerToAgent,
  ServerToAgentFlags,
  uidFromBytes,
} from '@flaghoist/opamp';
import { Client } from './client.ts';
import type { Composer } from './composer.ts';
import { Deadlines, type Wait } from './deadlines.ts';
import type { AgentEvent, Effect } from './effect.ts';
import type { AgentPlan } from './plan.ts';
import { Random } from './random.ts';
import { type AgentRecord, type FleetEvent, Recorder } from './record.ts';
import type { Scenario } from './scenario.ts';
import { Supervisor } from './supervisor.ts';

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

export interface AgentSettings {
  readonly plan: AgentPlan;
  readonly scenario: Scenario;
  /** One for all agents of a group. */
  readonly composer: Composer;
  readonly startAt: number;
  readonly observe?: (event: FleetEvent) => void;
}

/**
 * One simulated agent without sockets and clock: events and the time go in, effects come out, and `deadline` says when
 * it wants to be called at the latest. The same plan and events give the same effects.
 */
export class SimulatedAgent {
  readonly plan: AgentPlan;
  private readonly scenario: Scenario;
  private readonly recorder: Recorder;
  private readonly capabilities: number;
  private readonly deadlines = new Deadlines();
  private readonly client: Client;
  private readonly supervisor: Supervisor;
  /** Cut off by its behaviour. */
  private away = false;

  constructor({ plan, scenario, composer, startAt, observe = () => undefined }: AgentSettings) {
    this.plan = plan;
    this.scenario = scenario;
    this.recorder = new Recorder(plan, observe);
    this.recorder.record.uid = formatUid(plan.uid);
    this.capabilities = CAPABILITIES & ~(LACKS[plan.behaviour.kind] ?? 0);
    const { deadlines, recorder } = this;
    const random = new Random(scenario.seed, plan.index + 0x40000000);
    this.client = new Client({
      uid: plan.uid,
      transport: plan.transport,
      capabilities: this.capabilities,
      heartbeatMs: scenario.heartbeat,
      random,
      deadlines,
      encode: (part, now) => this.supervisor.encode(part, now),
      sent: (parts, now) => {
        recorder.record.messagesSent += 1;
        if (parts.has('status')) this.supervisor.statusSent(now);
      },
    });
    const { client } = this;
    this.supervisor = new Supervisor({
      plan,
      scenario,
      composer,
      random,
      deadlines,
      recorder,
      client,
      reportsStatus: this.can(Bits.AgentCapabilities_ReportsRemoteConfig),
      reportsEffective: this.can(Bits.AgentCapabilities_ReportsEffectiveConfig),
    });
    deadlines.set('boot', startAt);
  }

  get record(): AgentRecord {
    return this.recorder.record;
  }

  /** When the next `time` event is due; infinity when nothing is waited for. */
  get deadline(): number {
    return this.deadlines.next();
  }

  /** Whether it is at rest: it has said everything, and nothing but heartbeats and its behaviour will change that. */
  get settled(): boolean {
    if (this.client.stopped) return true;
    return (
      !this.deadlines.has('boot') &&
      (this.away || this.client.quiet) &&
      !this.supervisor.busy &&
      !this.deadlines.has('tree')
    );
  }

  /** Takes one event at `now`, which never runs backwards. Returns what the sockets have to do, in order. */
  step(event: AgentEvent, now: number): readonly Effect[] {
    if (!this.client.stopped) this.take(event, now);
    return this.client.takeEffects();
  }

  private take(event: AgentEvent, now: number): void {
    switch (event.on) {
      case 'time':
        for (let wait = this.deadlines.take(now); wait !== undefined; wait = this.deadlines.take(now)) {
          this.due(wait, now);
          this.client.flush(now);
        }
        break;
      case 'opened':
        this.recorder.connected(true, now);
        this.client.opened(now);
        this.connected(now);
        break;
      case 'refused':
        this.recorder.connected(false, now);
        this.client.refused(now, event.retryAfterMs);
        break;
      case 'closed':
        this.recorder.connected(false, now);
        this.client.closed(now);
        break;
      case 'received':
        this.receive(event.message, now);
        this.client.flush(now);
        break;
      case 'answered':
        this.client.answered(now);
        if (event.message !== undefined) {
          this.recorder.connected(true, now);
          this.receive(event.message, now);
        }
        this.client.flush(now);
        break;
      case 'release':
        if (this.away) this.comeBack(now);
        break;
      case 'stop':
        this.supervisor.end();
        this.client.stop(now);
        this.recorder.connected(false, now);
        break;
    }
  }

  /** In opamp-go's order: a command ends the processing of its message. */
  private receive(message: ServerToAgent, now: number): void {
    const { record } = this.recorder;
    record.messagesReceived += 1;
    if (message.command !== undefined && this.can(Bits.AgentCapabilities_AcceptsRestartCommand)) {
      if (message.command.type === CommandType.CommandType_Restart) this.supervisor.restart(now);
      return;
    }
    const flags = Number(message.flags);
    if ((flags & ServerToAgentFlags.ServerToAgentFlags_ReportFullState) !== 0) {
      record.fullStateRequests += 1;
      this.client.change('description', 'health', 'effective', 'status', 'packages', 'components');
    }
    if ((flags & ServerToAgentFlags.ServerToAgentFlags_ReportAvailableComponents) !== 0)
      this.client.change('components');
    const uid = message.agentIdentification?.newInstanceUid;
    if (uid?.length === 16) this.supervisor.identify(uidFromBytes(uid), now);
    if (message.remoteConfig !== undefined && this.can(Bits.AgentCapabilities_AcceptsRemoteConfig)) {
      this.supervisor.receive(message.remoteConfig, now);
    }
    const settings = message.connectionSettings?.opamp;
    if (settings !== undefined) this.client.setHeartbeat(Number(settings.heartbeatIntervalSeconds) * 1000, now);
  }

  private due(wait: Wait, now: number): void {
    const { client, supervisor } = this;
    const handlers: Readonly<Record<Wait, () => void>> = {
      boot: () => this.boot(now),
      dial: () => client.attempt(now),
      heartbeat: () => client.heartbeat(now),
      collector: () => supervisor.collectorDue(now),
      tree: () => supervisor.treeDue(),
      apply: () => supervisor.applyDue(now),
      behaviour: () => this.behave(now),
    };
    handlers[wait]();
  }

  private boot(now: number): void {
    const { kind, from = 0, until } = this.plan.behaviour;
    this.supervisor.boot(now);
    if (kind !== 'offline-until') this.client.start(now);
    else if (from > 0) {
      this.client.start(now);
      this.wait(from, now);
    } else this.goAway(until, now);
  }

  /** A WebSocket is open. */
  private connected(now: number): void {
    const { kind, every = 3_000, after = 1_000 } = this.plan.behaviour;
    if (kind === 'flapper') this.wait(every, now);
    if (kind === 'slow-reader') this.wait(after, now);
  }

  private behave(now: number): void {
    const { kind, down = 0, from = 0, until } = this.plan.behaviour;
    if (kind === 'slow-reader') this.client.stopReading();
    else if (kind !== 'flapper' && kind !== 'offline-until') this.supervisor.behaviourDue(now);
    else if (this.away) this.comeBack(now);
    else this.goAway(kind === 'flapper' ? down : until && until - from, now);
  }

  /** Without a time: until released. */
  private goAway(ms: number | undefined, now: number): void {
    this.away = true;
    this.client.leave();
    this.recorder.connected(false, now);
    if (ms === undefined) this.deadlines.clear('behaviour');
    else this.wait(ms, now);
  }

  private comeBack(now: number): void {
    this.away = false;
    this.deadlines.clear('behaviour');
    this.client.start(now);
  }

  private wait(ms: number, now: number): void {
    this.deadlines.set('behaviour', now + ms * this.scenario.timeScale);
  }

  private can(capability: Bits): boolean {
    return (this.capabilities & capability) !== 0;
  }
}
