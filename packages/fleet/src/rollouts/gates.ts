/** Where a rollout stops until a person has looked. */
import type { Rollout } from './rollout.ts';
import type { StageName } from './strategy.ts';

/** Whether a person must look after the open stage: the strategy says so, or there is nothing to return to (A.7). */
export const isGated = ({
  from,
  strategy,
  stages,
  stage,
}: Pick<Rollout, 'from' | 'strategy' | 'stages' | 'stage'>): boolean => {
  const [passed, next] = [stages[stage], stages[stage + 1]];
  if (passed === undefined) return false;
  // The gate of a stage that has nobody in it stands behind the stage before it.
  const first = strategy.stages.indexOf(passed.name);
  const end = next === undefined ? strategy.stages.length : strategy.stages.indexOf(next.name);
  const isHere = ({ after }: { readonly after: StageName }): boolean => {
    const at = strategy.stages.indexOf(after);
    return at >= first && at < end;
  };
  return (from === null && passed.name === 'canary' && next !== undefined) || strategy.gates.some(isHere);
};
