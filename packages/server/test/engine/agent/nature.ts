/** What kind of an agent one is, for good. */

/**
 * What becomes of a configuration that is bad for it; whatever is good, it applies.
 * - `refuses`: FAILED, and the old one goes on.
 * - `rolls-back`: FAILED, then APPLIED with the older hash (P2a).
 * - `falls-back`: FAILED; after its restart it runs the older one and says nothing of it (P2b).
 * - `dies`: takes the offer and is never heard of again.
 * - `sickens`: APPLIED, and unhealthy a while later.
 * - `crash-loops`: APPLIED, then its collector ends again and again.
 * - `stalls`: APPLYING, and no verdict.
 * - `withdraws`: applies it, and accepts no configuration any more.
 */
export const VICES = [
  'refuses',
  'rolls-back',
  'falls-back',
  'dies',
  'sickens',
  'crash-loops',
  'stalls',
  'withdraws',
] as const;
export type Vice = (typeof VICES)[number];

/** What it is at all times: `forgets` has no disk, `mute` reports no status, `slow` needs most of the time it is given. */
export const HABITS = ['usual', 'forgets', 'mute', 'slow'] as const;

export interface Nature {
  readonly name: string;
  readonly vice: Vice;
  readonly habit: (typeof HABITS)[number];
  readonly transport: 'websocket' | 'http';
  /** Between heartbeats, or polls. */
  readonly heartbeat: number;
  /** When the verdict comes, `config_apply_timeout`. */
  readonly verdictAfter: number;
  /** Until it is read and composed: meanwhile other messages wait. */
  readonly thinks: number;
  /** How long its collector takes to stop and to start. */
  readonly restarts: number;
}
