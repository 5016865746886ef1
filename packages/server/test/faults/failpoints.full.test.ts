/** The long run of failpoints.test.ts: every point, at its first passing and at one that the seed draws. */
import { describe, expect, test } from 'vitest';
import { randomOf, seedOf } from '../random.ts';
import { FAILPOINTS } from './failpoint-names.ts';
import { killAt, passingOf, tracePoints } from './failpoints.ts';

describe('a program that is killed at each of its failpoints', () => {
  const random = randomOf(seedOf('FAILPOINT_SEED'));
  const draws = FAILPOINTS.map((point) => ({ point, draw: random() }));
  let passed: ReadonlyMap<string, number> = new Map();

  test('the story passes them', async () => {
    passed = await tracePoints();
    expect(passed.size).toBe(FAILPOINTS.length);
  });

  test.each(draws)('$point, the first time', ({ point }) => killAt(point, 1));

  test.each(draws)('$point, some time', async ({ point, draw }) => {
    const nth = passingOf(passed.get(point) ?? 1, draw);
    if (nth > 1) await killAt(point, nth);
  });
});
