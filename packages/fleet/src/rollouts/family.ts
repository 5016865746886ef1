/** A push to several groups: one rollout for each, bounded together, and what stops one pauses the others (A.7). */
import { boundsNow, CANARY_IN_FLIGHT, inFlight, isCanary, type PauseReason, type Rollout } from './rollout.ts';

/** How many agents may be admitted by all its active rollouts together: as many as the largest of them may by itself. */
export function familyRoom(active: readonly Rollout[]): number {
  const most = active.some(isCanary)
    ? CANARY_IN_FLIGHT
    : Math.max(0, ...active.map((one) => boundsNow(one).maxInFlight));
  return Math.max(0, most - active.reduce((sum, one) => sum + inFlight(one), 0));
}

/** Pauses that say nothing of the revision. */
const HARMLESS: ReadonlySet<PauseReason> = new Set<PauseReason>(['operator', 'gate', 'sibling', 'deferred']);
const TAKEN_BACK: ReadonlySet<Rollout['state']> = new Set<Rollout['state']>([
  'rolling-back',
  'rolled-back',
  'rolled-back-partial',
]);

/** Whether what one rollout met is a reason to stop its siblings. */
export const hasTripped = ({ state, pause }: Pick<Rollout, 'state' | 'pause'>): boolean =>
  TAKEN_BACK.has(state) || (state === 'paused' && pause !== null && !HARMLESS.has(pause.reason));
