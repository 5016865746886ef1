/** The long run of storm.test.ts. */
import { expect, test } from 'vitest';
import { seedOf } from '../random.ts';
import { storm } from './storm.ts';

test('R9: 10,000 agents that come back at once, over real sockets', async () => {
  const [agents, perSecond] = [10_000, 500];
  const { t99, attempts, busiest } = await storm({ agents, perSecond, seed: seedOf('STORM_SEED') });
  process.stderr.write(`t99 ${Math.round(t99)} ms, ${attempts} attempts, ${busiest} in the busiest second\n`);
  expect(t99).toBeLessThan((1.2 * agents * 1_000) / perSecond);
  expect(attempts / agents).toBeLessThan(4.5);
});
