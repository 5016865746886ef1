import { expect, test } from 'vitest';
import { seedOf } from '../random.ts';
import { storm } from './storm.ts';

test('R9: 1,000 agents that come back at once are in when they can be, over real sockets', {
  timeout: 60_000,
}, async () => {
  const [agents, perSecond] = [1_000, 100];
  const { t99, attempts, busiest } = await storm({ agents, perSecond, seed: seedOf('STORM_SEED') });
  process.stderr.write(`t99 ${Math.round(t99)} ms, ${attempts} attempts, ${busiest} in the busiest second\n`);
  expect(t99).toBeLessThan((1.2 * agents * 1_000) / perSecond);
  expect(attempts / agents).toBeLessThan(3.5);
});
