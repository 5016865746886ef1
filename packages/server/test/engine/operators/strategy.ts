/** The strategies that operators ask for: all kinds, and what makes no sense as seldom as people write it. */
import { BUILT_IN_STRATEGIES, type Share, type StageName } from '@flaghoist/fleet';
import type { Dice } from '../dice.ts';
import { SECOND } from '../timeline.ts';

/** Stages over more agents than most groups have: some of them come to nothing, and their gates stand before. */
const STAGES: readonly (readonly [StageName, ...StageName[]])[] = [
  ['canary', '100%'],
  ['canary', '5%', '25%', '100%'],
  ['canary', '1%', '2%', '50%', '100%'],
  ['25%', '50%', '100%'],
  ['1%', '100%'],
  ['100%'],
];

/** Fields over one of the built-in strategies: of a start, or saved by a name. */
export function drawStrategy(dice: Dice) {
  const base = dice.pick(['careful', 'quick', 'all-at-once'] as const);
  const stages = dice.chance(0.5)
    ? (dice.pick(STAGES) ?? ['100%'])
    : (BUILT_IN_STRATEGIES.find(({ name }) => name === base)?.stages ?? ['100%']);
  const share = (least: number, most: number): Share => shareOf(dice, least, most);
  return {
    base,
    overrides: {
      stages: [...stages],
      canary: canaryOf(dice),
      maxInFlight: share(1, 3),
      maxFailed: share(0, 3),
      maxLost: share(0, 2),
      maxDeferred: share(0, 6),
      successThreshold: dice.pick([0, 50, 95]),
      minHealthyTime: dice.pick([0, 5, 20]) * SECOND,
      applyTimeout: dice.pick([30, 60, 120]) * SECOND,
      requireEffective: dice.pick(['ifReported', 'ifReported', 'never'] as const),
      progressDeadline: dice.int(180, 400) * SECOND,
      revertTimeout: dice.int(60, 400) * SECOND,
      soak: { canary: dice.int(0, 20) * SECOND, stage: dice.int(0, 10) * SECOND },
      bake: dice.pick([0, 10, 60]) * SECOND,
      onFailure: dice.chance(0.7) ? ('rollback' as const) : ('pause' as const),
      gates: gatesOf(dice, stages),
    },
  };
}

/** A count, or a percentage between bounds. */
function shareOf(dice: Dice, least: number, most: number): Share {
  if (dice.chance(0.6)) return { count: dice.int(least, most) };
  const percent = dice.pick([0, 1, 10, 33, 50]);
  return {
    percent,
    ...(dice.chance(0.5) && { least: dice.int(0, least + 1) }),
    ...(dice.chance(0.5) && { most: dice.int(least, most) }),
  };
}

function canaryOf(dice: Dice) {
  const min = dice.int(1, 2);
  const max = min + dice.int(0, 3);
  const selector = dice.chance(0.7) ? '' : dice.pick(['role=edge', 'role=core', 'role=nobody']);
  return { size: shareOf(dice, 1, 3), min, max, selector };
}

/** Manual gates behind any of its stages: in a third of the strategies, one or all of them. */
function gatesOf(dice: Dice, stages: readonly StageName[]) {
  if (!dice.chance(0.35)) return [];
  const behind = dice.chance(0.3) ? stages : stages.filter(() => dice.chance(0.4));
  return behind.map((after) => ({ after, type: 'manual' as const }));
}
