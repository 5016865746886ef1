/** A push to several groups: one rollout for each, bounded together, and what stops one pauses the others (A.7). */
import { boundsNow, CANARY_IN_FLIGHT, inFlight, isCanary, type PauseReason, type Rollout } from './rollout.ts';

/**
 * How many more agents one of them may admit: all of them together have as many in flight as the one that may most by
 * itself, and all that are in their canaries as many as one canary. Who stands still gives nobody its bound.
 */
export function familyRoom(rollout: Rollout, active: readonly Rollout[]): number {
  const left = (most: number, among: readonly Rollout[]) =>
    Math.max(0, most - among.reduce((sum, one) => sum + inFlight(one), 0));
  const most = active.map((one) => (one.state === 'running' ? boundsNow(one).maxInFlight : 0));
  const room = left(Math.max(0, ...most), active);
  return isCanary(rollout) ? Math.min(room, left(CANARY_IN_FLIGHT, active.filter(isCanary))) : room;
}

/**
 * Whom to ask first, where places are shared: who has the fewest in flight, of those who had the fewest turns. Asked always in
 * the same order, the first would take every place that comes free.
 */
export const byNeed = (a: Rollout, b: Rollout): number => inFlight(a) - inFlight(b) || a.targets.size - b.targets.size;

/** The groups whose agents in flight hold all places that this one may share; none while there is a place. */
export function placesHeldBy(rollout: Rollout, active: readonly Rollout[]): string[] {
  if (familyRoom(rollout, active) > 0) return [];
  return active.filter((one) => one.id !== rollout.id && inFlight(one) > 0).map(({ group }) => group);
}

/** Pauses for what the revision may have done; that nobody can be reached, or none was asked, says nothing of it. */
const TRIPS: ReadonlySet<PauseReason> = new Set<PauseReason>([
  'failures',
  'lost',
  'threshold',
  'environment',
  'no-rollback-target',
]);
const TAKEN_BACK: ReadonlySet<Rollout['state']> = new Set<Rollout['state']>([
  'rolling-back',
  'rolled-back',
  'rolled-back-partial',
]);

/** Whether what one rollout met is a reason to stop its siblings. */
export const hasTripped = ({ state, pause, spent }: Pick<Rollout, 'state' | 'pause' | 'spent'>): boolean => {
  if (TAKEN_BACK.has(state)) return true;
  if (state !== 'paused' || pause === null) return false;
  return TRIPS.has(pause.reason) || (pause.reason === 'nothing-proven' && spent.failed + spent.lost > 0);
};
