import { RemoteConfigStatuses } from '@flaghoist/opamp';
import { limits } from './limits.ts';
import type { AgentPlan } from './plan.ts';

/** A remote configuration that was offered to an agent. Times are milliseconds since 1970. */
export interface OfferRecord {
  /** Lowercase hex; empty when the server sent no hash. */
  readonly hash: string;
  readonly at: number;
  /** Which offer of this hash it was to this agent: 1, 2, … */
  readonly times: number;
}

/** A remote config status that an agent sent. */
export interface StatusRecord {
  readonly hash: string;
  readonly status: 'UNSET' | 'APPLYING' | 'APPLIED' | 'FAILED';
  readonly error: string;
  readonly at: number;
}

/** What an agent saw and said: the judge of a server. `offers` and `statuses` keep the newest 200. */
export interface AgentRecord {
  readonly index: number;
  readonly name: string;
  readonly group: string;
  readonly behaviour: AgentPlan['behaviour']['kind'];
  readonly transport: AgentPlan['transport'];
  /** Hyphenated, as it is now: a server can give another one. */
  readonly uid: string;
  readonly connected: boolean;
  /** Connections opened; over HTTP 1 from the first answer on. */
  readonly connections: number;
  readonly messagesSent: number;
  readonly messagesReceived: number;
  /** Times the server asked for the full state. */
  readonly fullStateRequests: number;
  readonly offers: readonly OfferRecord[];
  /** By hash: how often it was offered. */
  readonly timesOffered: Readonly<Record<string, number>>;
  readonly statuses: readonly StatusRecord[];
  /** Hash of the remote configuration that its collector really runs; undefined for the local one. */
  readonly running: string | undefined;
  readonly healthy: boolean;
  /** Collector processes started after the first one, whatever for. */
  readonly collectorRestarts: number;
  /** Collector processes that exited by themselves. */
  readonly crashes: number;
  readonly restartCommands: number;
}

/** Something for a live display. */
export interface FleetEvent {
  readonly kind: 'connected' | 'disconnected' | 'offered' | 'status' | 'restarted' | 'crashed';
  readonly index: number;
  readonly at: number;
  /** With `status`: what was said; with `offered`: the hash. */
  readonly hash?: string;
  readonly status?: StatusRecord['status'];
  readonly error?: string;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Keeps the record of one agent, and tells the fleet's observer. */
export class Recorder {
  readonly record: Writable<AgentRecord>;
  private readonly observe: (event: FleetEvent) => void;

  constructor(plan: AgentPlan, observe: (event: FleetEvent) => void) {
    this.observe = observe;
    this.record = {
      index: plan.index,
      name: plan.name,
      group: plan.group.name,
      behaviour: plan.behaviour.kind,
      transport: plan.transport,
      uid: plan.uid,
      connected: false,
      connections: 0,
      messagesSent: 0,
      messagesReceived: 0,
      fullStateRequests: 0,
      offers: [],
      timesOffered: {},
      statuses: [],
      running: undefined,
      healthy: false,
      collectorRestarts: 0,
      crashes: 0,
      restartCommands: 0,
    };
  }

  connected(connected: boolean, at: number): void {
    if (this.record.connected === connected) return;
    this.record.connected = connected;
    if (connected) this.record.connections += 1;
    this.tell(connected ? 'connected' : 'disconnected', at);
  }

  offered(hash: string, at: number): void {
    const times = (this.record.timesOffered[hash] ?? 0) + 1;
    this.record.timesOffered = { ...this.record.timesOffered, [hash]: times };
    this.record.offers = [...this.record.offers.slice(1 - limits.history), { hash, at, times }];
    this.tell('offered', at, { hash });
  }

  said(hash: string, status: RemoteConfigStatuses, error: string, at: number): void {
    const name = STATUS_NAMES[status];
    const last = this.record.statuses.at(-1);
    if (last?.hash === hash && last.status === name && last.error === error) return;
    this.record.statuses = [...this.record.statuses.slice(1 - limits.history), { hash, status: name, error, at }];
    this.tell('status', at, { hash, status: name, error });
  }

  restarted(at: number): void {
    this.record.collectorRestarts += 1;
    this.tell('restarted', at);
  }

  crashed(at: number): void {
    this.record.crashes += 1;
    this.tell('crashed', at);
  }

  private tell(kind: FleetEvent['kind'], at: number, about: Partial<FleetEvent> = {}): void {
    this.observe({ kind, index: this.record.index, at, ...about });
  }
}

const STATUS_NAMES: Readonly<Record<RemoteConfigStatuses, StatusRecord['status']>> = {
  [RemoteConfigStatuses.RemoteConfigStatuses_UNSET]: 'UNSET',
  [RemoteConfigStatuses.RemoteConfigStatuses_APPLIED]: 'APPLIED',
  [RemoteConfigStatuses.RemoteConfigStatuses_APPLYING]: 'APPLYING',
  [RemoteConfigStatuses.RemoteConfigStatuses_FAILED]: 'FAILED',
};
