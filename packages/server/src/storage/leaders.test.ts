/** R7 at the store: the run of all 10,000 is in leaders.full.test.ts. */
import { expect, test } from 'vitest';
import { seedOf } from '../../test/random.ts';
import { ignoreLeases, stallLeaders } from '../../test/storage/leaders.ts';

test('a leader that is stopped in the middle of a rollout, and wakes when another leads, has no effect (R7, I3)', {
  timeout: 120_000,
}, async () => {
  expect(await stallLeaders({ times: 500, seed: seedOf('LEADERS_SEED') })).toBeGreaterThan(500);
});

test('without any lease, two leaders still cannot admit twice: the version of the rollout decides (I1)', {
  timeout: 120_000,
}, async () => {
  expect(await ignoreLeases({ times: 500, seed: seedOf('LEADERS_SEED') })).toBeGreaterThan(50);
});
