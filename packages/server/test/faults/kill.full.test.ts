/** The long run of kill.test.ts; `KILLS` shortens it. */
import { expect, test } from 'vitest';
import { seedOf } from '../random.ts';
import { killDuringPushes } from './kill.ts';

test('kill -9 at 1,000 random moments of pushes', async () => {
  const kills = Number(process.env['KILLS'] ?? 1_000);
  const tally = await killDuringPushes({ kills, seed: seedOf('KILL_SEED') });
  process.stderr.write(`${kills} kills by how far the push was: ${JSON.stringify(tally)}\n`);
  expect(Math.min(tally.beforeSaved + tally.beforeStarted, tally.amongAgents)).toBeGreaterThan(0);
});
