import { expect, test } from 'vitest';
import { canariesOf, checkStages, percentLists, rankAt } from '../../test/plans.ts';

test('stages partition the plan for all N from 1 to 10,000 and 500 lists of percentages (T-A4)', () => {
  const lists = percentLists(500, 11);
  let tried = 0;
  for (let all = 1; all <= 10_000; all += 1) {
    const ranks = Array.from({ length: all }, (_, n) => rankAt(n));
    for (const names of lists) {
      const canary = canariesOf(names, all);
      if (canary > 0 && all < 10) continue;
      checkStages(names, canary, canary === 0 ? ranks : ranks.slice(canary));
      tried += 1;
    }
  }
  expect(tried).toBeGreaterThan(4_900_000);
}, 600_000);
