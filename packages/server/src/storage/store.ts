/**
 * What the control plane asks of a database. SQLite implements it now; PostgreSQL with several replicas will, so
 * everything is asynchronous, a commit is one atomic list of changes, and no caller sees a statement of SQL.
 */
import type {
  Agent,
  AgentId,
  AgentIdentity,
  AgentReport,
  Assignment,
  ConfigFiles,
  Configuration,
  Group,
  Instant,
  LedgerEntry,
  Revision,
  Rollout,
  RolloutEvent,
} from '@flaghoist/fleet';
import type { JournalEvent } from '../events/journal-event.ts';

/** A rollout without its targets, which are the fold of its events (I15). */
export type RolloutSummary = Omit<Rollout, 'targets' | 'carried'>;

/** One event of a rollout; `version` counts them from 1, in the order in which they were folded. */
export interface RolloutLog {
  readonly rollout: string;
  readonly version: number;
  readonly at: Instant;
  readonly event: RolloutEvent;
}

/** One row to write. A commit applies a list of them in order, all or none. */
export type Change =
  | { readonly kind: 'configuration'; readonly row: Configuration }
  /** Takes its revisions with it; the files stay, for the history of agents and rollouts. */
  | { readonly kind: 'configuration-deleted'; readonly name: string }
  /** Written once, like log and event; the files are stored once per hash. */
  | { readonly kind: 'revision'; readonly row: Revision; readonly files: ConfigFiles }
  | { readonly kind: 'group'; readonly row: Group }
  | { readonly kind: 'group-deleted'; readonly name: string }
  | { readonly kind: 'agent-identity'; readonly row: AgentIdentity }
  | { readonly kind: 'agent-report'; readonly id: AgentId; readonly row: AgentReport }
  | { readonly kind: 'agent-assignment'; readonly id: AgentId; readonly row: Assignment }
  /** Keyed by agent and generation; those of its newest 50 generations are kept. */
  | { readonly kind: 'ledger'; readonly id: AgentId; readonly row: LedgerEntry }
  /** Takes the agent's rows with it; its instance uid is free again. */
  | { readonly kind: 'agent-deleted'; readonly id: AgentId }
  /**
   * A distinct text of an effective config, by its SHA-256; storing it again changes nothing. It stands in one commit with
   * each report that names it when the agent's report before did not: `trim` drops texts that no report names.
   */
  | { readonly kind: 'text'; readonly digest: string; readonly body: string }
  | { readonly kind: 'rollout'; readonly row: RolloutSummary }
  | { readonly kind: 'rollout-log'; readonly row: RolloutLog }
  | { readonly kind: 'event'; readonly row: JournalEvent }
  /** A single durable value: the time of the last sign of life, for one. */
  | { readonly kind: 'mark'; readonly name: string; readonly value: number }
  /** The answer that a repeated request with this key gets. */
  | { readonly kind: 'idempotency'; readonly key: string; readonly at: Instant; readonly answer: unknown };

/** Everything that the server keeps in memory, as it was last committed; by name, number, id, rollouts by age. */
export interface Loaded {
  readonly configurations: readonly Configuration[];
  readonly revisions: readonly Revision[];
  readonly groups: readonly Group[];
  /** Each with the ledger entry of its present generation. */
  readonly agents: readonly Agent[];
  readonly rollouts: readonly RolloutSummary[];
  readonly marks: ReadonlyMap<string, number>;
  /** The oldest event kept; one more than `lastEvent` when there is none. */
  readonly firstEvent: number;
  readonly lastEvent: number;
}

/** Why the database cannot be used. `unavailable` may pass; the others need an operator. */
export type StoreErrorCode = 'unavailable' | 'locked' | 'too-new' | 'corrupt' | 'unsupported-sqlite';

export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export interface Store extends AsyncDisposable {
  load(): Promise<Loaded>;
  /**
   * Durable when it resolves (R2). @throws StoreError when it is not; the store then takes no further commit, because
   * what is in memory may no longer be what is on disk (R4).
   */
  commit(changes: readonly Change[]): Promise<void>;

  files(hash: string): Promise<ConfigFiles | null>;
  /** Newest first. */
  ledger(agent: AgentId, limit: number): Promise<readonly LedgerEntry[]>;
  texts(digests: readonly string[]): Promise<ReadonlyMap<string, string>>;
  rolloutLog(rollout: string): Promise<readonly RolloutLog[]>;
  /** Events with a number above `after`, in order. `subject` narrows to one object. */
  events(query: { after: number; limit: number; subject?: string }): Promise<readonly JournalEvent[]>;
  /** The answer kept under `key`; undefined when there is none. */
  idempotent(key: string): Promise<unknown>;
  /**
   * Drops events up to and including `eventsAfter`, answers older than `answersSince`, texts that no agent's report names,
   * and logs of ended rollouts beyond the newest 200 of their group; returns the first event kept.
   */
  trim(keep: { eventsAfter: number; answersSince: Instant }): Promise<number>;
}
