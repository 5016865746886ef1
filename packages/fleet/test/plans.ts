/** What holds of the stages of every plan (T-A4), and random lists of percentages to try it with. */

import { stagesOf } from '../src/rollouts/plan.ts';
import type { PlannedStage } from '../src/rollouts/rollout.ts';
import { type StageName, strategyNamed } from '../src/rollouts/strategy.ts';

/** Rising lists that end with 100, some with a canary and some with fractions; the same for the same seed. */
export function percentLists(count: number, seed: number): StageName[][] {
  let state = seed;
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return Array.from({ length: count }, () => {
    const percents = Array.from({ length: Math.floor(random() * 8) }, () => {
      const percent = random() * (random() < 0.3 ? 2 : 100);
      return random() < 0.7 ? Math.ceil(percent) : Math.max(0.01, Math.round(percent * 100) / 100);
    });
    const rising = [...new Set(percents.filter((percent) => percent < 100))].sort((a, b) => a - b);
    const stages: StageName[] = [...rising.map((percent): StageName => `${percent}%`), '100%'];
    return random() < 0.6 ? ['canary', ...stages] : stages;
  });
}

/** The last word of a rank in so many. */
export const rankAt = (position: number): string => position.toString(16).padStart(8, '0');

/** `ceil(p · N / 100)` without floating point: percentages have two decimals at most. */
const boundary = (percent: number, all: number): number => {
  const hundredths = BigInt(Math.round(percent * 100)) * BigInt(all);
  return Number((hundredths + 9_999n) / 10_000n);
};

/** @throws when the stages of a plan over so many agents do not partition it as they say. */
export function checkStages(names: readonly StageName[], canary: number, ranks: readonly string[]): PlannedStage[] {
  const all = canary + ranks.length;
  const stages = stagesOf({ ...strategyNamed('careful'), stages: names }, canary, ranks);
  const told = () => `${all} agents, ${canary} canaries, ${names.join(', ')}: ${JSON.stringify(stages)}`;
  let until = 0;
  for (const [at, { name, planned, upTo }] of stages.entries()) {
    if (planned < 1) throw new Error(`an empty stage: ${told()}`);
    until += planned;
    const isLast = at === stages.length - 1;
    const due = name === 'canary' ? canary : Math.max(canary, boundary(Number.parseFloat(name), all));
    if (until !== due) throw new Error(`stage ${name} ends after ${until}: ${told()}`);
    const last = name === 'canary' || isLast ? null : (ranks[until - canary - 1] ?? 'none');
    if (upTo !== last) throw new Error(`stage ${name} goes up to ${upTo}: ${told()}`);
  }
  if (until !== all) throw new Error(`the last boundary is ${until}: ${told()}`);
  return stages;
}

/** How many canaries to try such a plan with. */
export const canariesOf = (names: readonly StageName[], all: number): number =>
  names[0] === 'canary' ? Math.min(all, Math.max(1, Math.min(Math.ceil(all / 100), 10))) : 0;
