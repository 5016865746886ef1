import * as fleet from '@flaghoist/fleet';
import type { RolloutSummary } from '../storage/store.ts';

/**
 * What takes a finished rollout back: a rollout to the revision that the group ran before, without stages, and not without
 * the bound in flight (A.7). What fails on it is looked at by a person: it is never taken further, nor forward again (I9).
 * @throws FleetError `conflict` when the group runs something else by now, ran nothing before, or nothing that may come back.
 */
export function wayBack(
  { id, group, target, from, strategy }: RolloutSummary,
  { stable, condemned }: fleet.Group,
  message: string,
) {
  const refuse = (why: string): never => {
    throw new fleet.FleetError('conflict', why);
  };
  if (from === null)
    return refuse(`group ${group} had no revision before rollout ${id}: there is nothing to go back to`);
  if (stable?.hash !== target.hash)
    return refuse(`group ${group} no longer runs what rollout ${id} brought: roll back the rollout after it`);
  if (condemned.includes(from.hash)) {
    const name = `${from.configuration}@${from.revision}`;
    return refuse(
      `${name}, which group ${group} ran before rollout ${id}, was taken back since: start a rollout to another one`,
    );
  }
  const waits = { soak: { canary: 0, stage: 0 }, bake: 0 };
  const fast = fleet.withOverrides(strategy, { stages: ['100%'], gates: [], ...waits, onFailure: 'pause' });
  const why = message || `rollback of ${id}`;
  return { group, target: from, from: stable, strategy: fast, message: why, parent: null, takesBack: id };
}
