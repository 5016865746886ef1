import type { Instant, RolloutState } from '@flaghoist/fleet';

/** What can happen, as the event stream tells it. Stable: clients match on these. */
export type EventKind =
  | `server.${'started' | 'time-travel'}`
  | `configuration.${'created' | 'deleted'}`
  | 'revision.created'
  | `strategy.${'created' | 'updated' | 'deleted'}`
  | `group.${'created' | 'updated' | 'deleted'}`
  | `agent.${'enrolled' | 'reassigned' | 'conflict' | 'quarantined' | 'approved' | 'deleted'}`
  | `agent.${'labelled' | 'pinned' | 'unpinned' | 'retried' | 'restarted'}`
  | 'agents.changed'
  | `rollout.${RolloutState | 'started' | 'progressed'}`
  | `rollout.${'soaking' | 'advanced' | 'resumed' | 'promoted' | 'hurried' | 'retried'}`
  | 'catch-up.stopped'
  | `alert.${'raised' | 'updated' | 'resolved'}`
  | `webhook.${'created' | 'updated' | 'deleted' | 'failing' | 'recovered'}`;

/** One entry of the journal: numbered without gaps, kept in order, told to every subscriber once. */
export interface JournalEvent {
  readonly seq: number;
  readonly at: Instant;
  readonly kind: EventKind;
  /** Who caused it: an author, or `flaghoist` for what the server did by itself. */
  readonly author: string;
  /** The object it is about, as `KIND/NAME`: `agent/…`, `group/edge`, `rollout/…`, `configuration/edge`. */
  readonly subject: string;
  readonly data: Readonly<Record<string, unknown>>;
}
