/** The long run of fuzz.test.ts; `FUZZ_INPUTS` shortens it. */
import { expect, test } from 'vitest';
import { seedOf } from '../random.ts';
import { fuzz } from './fuzz.ts';

const MiB = 1024 * 1024;
/** That nothing grows with the inputs is seen from one million on. */
const RSS_BOUND = 512 * MiB;

test('2,000,000 fuzzed messages and requests', async () => {
  const inputs = Number(process.env['FUZZ_INPUTS'] ?? 2_000_000);
  const tell = (report: object) => process.stderr.write(`${JSON.stringify(report)}\n`);
  const report = await fuzz({ inputs, seed: seedOf('FUZZ_SEED'), tell });
  tell(report);
  expect(report.longest.ms).toBeLessThan(50);
  expect(report.rss[1] - report.rss[0]).toBeLessThan(RSS_BOUND);
});
