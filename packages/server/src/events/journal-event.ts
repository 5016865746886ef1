import type { Instant } from '@flaghoist/fleet';

/** What can happen, as the event stream tells it. Stable: clients match on these. */
export type EventKind =
  | 'server.started'
  | 'configuration.created'
  | 'configuration.deleted'
  | 'revision.created'
  | 'group.created'
  | 'group.updated'
  | 'group.deleted'
  | 'agent.enrolled'
  | 'agent.reassigned'
  | 'agent.conflict'
  | 'agent.pinned'
  | 'agent.unpinned'
  | 'agent.labelled'
  | 'agent.retried'
  | 'agent.restarted'
  | 'agent.deleted'
  | 'agents.changed'
  | 'rollout.started'
  | 'rollout.progressed'
  | 'rollout.paused'
  | 'rollout.succeeded'
  | 'rollout.superseded'
  | 'catch-up.stopped';

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
