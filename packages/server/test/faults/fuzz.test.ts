/** R11 to R13, R18: what nobody means to send is refused, and harms nobody else. `FUZZ_SEED` repeats a run. */
import { expect, test } from 'vitest';
import { seedOf } from '../random.ts';
import { fuzz } from './fuzz.ts';

const MiB = 1024 * 1024;

test('10,000 fuzzed messages and requests: each refused or taken, no callback over 50 ms of CPU, memory bounded, agents beside unharmed', {
  timeout: 300_000,
  // A busy machine makes a callback dearer now and then; one that is too long is so each time.
  retry: 2,
}, async () => {
  const report = await fuzz({ inputs: 10_000, seed: seedOf('FUZZ_SEED') });
  process.stderr.write(`${JSON.stringify(report)}\n`);
  expect(report.refused).toBeGreaterThan(1_000);
  expect(report.longest.ms).toBeLessThan(50);
  expect(report.rss[1] - report.rss[0]).toBeLessThan(256 * MiB);
});
