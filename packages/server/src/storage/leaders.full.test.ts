/** The long run of leaders.test.ts. */
import { expect, test } from 'vitest';
import { seedOf } from '../../test/random.ts';
import { ignoreLeases, stallLeaders } from '../../test/storage/leaders.ts';

const times = 10_000;

test('10,000 stopped leaders (R7)', async () => {
  expect(await stallLeaders({ times, seed: seedOf('LEADERS_SEED') })).toBeGreaterThan(times);
});

test('10,000 turns of two who both lead (I1)', async () => {
  expect(await ignoreLeases({ times, seed: seedOf('LEADERS_SEED') })).toBeGreaterThan(times / 10);
});
