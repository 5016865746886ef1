/** T-A5: kill -9 at named points. The run at all of them is in failpoints.full.test.ts. */
import { describe, expect, test } from 'vitest';
import { randomOf, seedOf } from '../random.ts';
import { FAILPOINTS } from './failpoint-names.ts';
import { killAt, passingOf, somePoints, tracePoints } from './failpoints.ts';

const SAMPLE = 6;

describe('a program that is killed at its failpoints', { timeout: 120_000 }, () => {
  const seed = seedOf('FAILPOINT_SEED');
  let passed: ReadonlyMap<string, number> = new Map();

  test('the story passes every point there is, and no other', async () => {
    passed = await tracePoints();
    expect(new Set(FAILPOINTS).size).toBeGreaterThanOrEqual(40);
    expect([...passed.keys()].toSorted()).toEqual(FAILPOINTS.toSorted());
  });

  test.each(somePoints(FAILPOINTS, SAMPLE, seed))('%s: no law is broken, and the push after it goes through', (point) =>
    killAt(point, passingOf(passed.get(point) ?? 1, randomOf(seed)())),
  );
});
