import { expect, test } from 'vitest';
import { seedOf } from '../random.ts';
import { killDuringPushes } from './kill.ts';

test('kill -9 at 20 random moments of pushes: nothing acknowledged is lost, nothing leaves before its record, nothing is sent twice (I3, I5, R2, R28)', {
  timeout: 300_000,
}, async () => {
  const tally = await killDuringPushes({ kills: 20, seed: seedOf('KILL_SEED') });
  process.stderr.write(`kills by how far the push was: ${JSON.stringify(tally)}\n`);
  expect(tally.amongAgents + tally.afterReceived).toBeGreaterThan(0);
});
