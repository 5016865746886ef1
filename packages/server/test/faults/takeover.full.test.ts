/** The long run of takeover.test.ts. */
import { expect, test } from 'vitest';
import { seedOf } from '../random.ts';
import { LEASE_MS, takeOver } from './takeover.ts';

test('100 takeovers', async () => {
  const took = await takeOver({ times: 100, seed: seedOf('TAKEOVER_SEED') });
  process.stderr.write(`takeovers: at most ${Math.round(Math.max(...took))} ms\n`);
  expect(Math.max(...took)).toBeLessThan(2 * LEASE_MS);
});
