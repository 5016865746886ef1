/**
 * What the control plane asks of a database. SQLite implements it now; PostgreSQL with several replicas will, so
 * everything is asynchronous, a commit is one atomic list of changes, and no caller sees a statement of SQL.
 */
import type * as fleet from '@flaghoist/fleet';
import type { JournalEvent } from '../events/journal-event.ts';
import type { Delivery, Webhook } from '../webhooks/webhook.ts';

/** A rollout without its targets, which are the fold of its events (I15). */
export type RolloutSummary = Omit<fleet.Rollout, 'targets' | 'carried'>;

/** One event of a rollout; `version` counts them from 1, in the order in which they were folded. */
export interface RolloutLog {
  readonly rollout: string;
  readonly version: number;
  readonly at: fleet.Instant;
  /** Who decided it: a person, or `flaghoist`. */
  readonly author: string;
  readonly event: fleet.RolloutEvent;
}

/** One row to write. A commit applies a list of them in order, all or none. */
export type Change =
  | { readonly kind: 'configuration'; readonly row: fleet.Configuration }
  /** Takes its revisions with it; the files stay, for the history of agents and rollouts. */
  | { readonly kind: 'configuration-deleted'; readonly name: string }
  /** Written once, like log and event; the files are stored once per hash. */
  | { readonly kind: 'revision'; readonly row: fleet.Revision; readonly files: fleet.ConfigFiles }
  | { readonly kind: 'strategy'; readonly row: fleet.OwnStrategy }
  | { readonly kind: 'strategy-deleted'; readonly name: string }
  | { readonly kind: 'group'; readonly row: fleet.Group }
  | { readonly kind: 'group-deleted'; readonly name: string }
  | { readonly kind: 'agent-identity'; readonly row: fleet.AgentIdentity }
  | { readonly kind: 'agent-report'; readonly id: fleet.AgentId; readonly row: fleet.AgentReport }
  | { readonly kind: 'agent-assignment'; readonly id: fleet.AgentId; readonly row: fleet.Assignment }
  /** Keyed by agent and generation; those of its newest 50 generations are kept. */
  | { readonly kind: 'ledger'; readonly id: fleet.AgentId; readonly row: fleet.LedgerEntry }
  /** Takes the agent's rows with it; its instance uid is free again. */
  | { readonly kind: 'agent-deleted'; readonly id: fleet.AgentId }
  /**
   * A distinct text of an effective config, by its SHA-256; storing it again changes nothing. It stands in one commit with
   * each report that names it when the agent's report before did not: `trim` drops texts that no report names.
   */
  | { readonly kind: 'text'; readonly digest: string; readonly body: string }
  | { readonly kind: 'rollout'; readonly row: RolloutSummary }
  | { readonly kind: 'rollout-log'; readonly row: RolloutLog }
  | { readonly kind: 'event'; readonly row: JournalEvent }
  | { readonly kind: 'alert'; readonly row: fleet.Alert }
  | { readonly kind: 'webhook'; readonly row: Webhook }
  /** Takes what waits to be delivered to it with it. */
  | { readonly kind: 'webhook-deleted'; readonly name: string }
  /** An event that a webhook is to be told; it stands in the commit of that event. */
  | { readonly kind: 'delivery'; readonly row: Delivery }
  | { readonly kind: 'delivery-deleted'; readonly id: string }
  /** A single durable value: the time of the last sign of life, for one. */
  | { readonly kind: 'mark'; readonly name: string; readonly value: number }
  /** The answer that a repeated request with this key gets. */
  | { readonly kind: 'idempotency'; readonly key: string; readonly at: fleet.Instant; readonly answer: unknown };

/** Everything that the server keeps in memory, as it was last committed; by name, number, id, rollouts by age. */
export interface Loaded {
  readonly configurations: readonly fleet.Configuration[];
  readonly revisions: readonly fleet.Revision[];
  readonly strategies: readonly fleet.OwnStrategy[];
  readonly groups: readonly fleet.Group[];
  /** Each with the ledger entry of its present generation. */
  readonly agents: readonly fleet.Agent[];
  readonly rollouts: readonly RolloutSummary[];
  /** By time of being raised. */
  readonly alerts: readonly fleet.Alert[];
  readonly webhooks: readonly Webhook[];
  /** In the order of their events. */
  readonly deliveries: readonly Delivery[];
  readonly marks: ReadonlyMap<string, number>;
  /** The oldest event kept; one more than `lastEvent` when there is none. */
  readonly firstEvent: number;
  readonly lastEvent: number;
  /** How many commits are missing: the database is an older copy than the one that was written here (I14). */
  readonly travelled: { readonly missing: number } | null;
}

/**
 * Mark with the commits that were missing when the lease was taken. It stays until a commit puts it to 0: that commit holds
 * all that follows from it, so a crash in between forgets nothing.
 */
export const TIME_TRAVEL = 'time-travel';

/** The right to write, which one server has at a time (A.8). Times are the database's. */
export interface Lease {
  readonly holder: string;
  /** Grows with each taking: the fence. */
  readonly epoch: number;
  readonly expiresAt: fleet.Instant;
}

/**
 * Why the database cannot be used. `unavailable` may pass; after `fenced` and `conflict` somebody else has written, and what
 * is in memory is void: start again; the others need an operator.
 */
export type StoreErrorCode =
  | 'unavailable'
  | 'fenced'
  | 'conflict'
  | 'locked'
  | 'too-new'
  | 'corrupt'
  | 'unsupported-sqlite';

export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Closing gives the lease up. */
export interface Store extends AsyncDisposable {
  /**
   * Takes the lease or renews it: null when this store has it now, else who has. What was loaded before it was taken is old.
   * @throws StoreError `fenced` when it was lost; final, as every failure of a write.
   */
  lead(): Promise<Lease | null>;
  /** False when the lease may have run out by this process's own clock: nothing may be said before `lead` has resolved. */
  leads(): boolean;
  load(): Promise<Loaded>;
  /**
   * Durable when it resolves (R2). @throws StoreError when it is not; the store then takes no further commit, because
   * what is in memory may no longer be what is on disk (R4): `fenced` when another has the lease, in the same transaction
   * (R7); `conflict` when a row is there that is written once, as a later version of a rollout or generation of an agent is.
   */
  commit(changes: readonly Change[]): Promise<void>;

  files(hash: string): Promise<fleet.ConfigFiles | null>;
  /** Newest first, all that are kept. */
  ledger(agent: fleet.AgentId): Promise<readonly fleet.LedgerEntry[]>;
  texts(digests: readonly string[]): Promise<ReadonlyMap<string, string>>;
  rolloutLog(rollout: string): Promise<readonly RolloutLog[]>;
  /** Events with a number above `after`, in order. `subject` narrows to one object. */
  events(query: { after: number; limit: number; subject?: string }): Promise<readonly JournalEvent[]>;
  /** The answer kept under `key`; undefined when there is none. */
  idempotent(key: string): Promise<unknown>;
  /**
   * Drops events up to and including `eventsAfter`, answers older than `answersSince`, texts that no agent's report names,
   * logs of ended rollouts beyond the newest 200 of their group,
   * and resolved alerts beyond the newest 1,000; returns the first event kept.
   */
  trim(keep: { eventsAfter: number; answersSince: fleet.Instant }): Promise<number>;
}
