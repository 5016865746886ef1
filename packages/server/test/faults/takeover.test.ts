import { expect, test } from 'vitest';
import { seedOf } from '../random.ts';
import { LEASE_MS, takeOver } from './takeover.ts';

test.skipIf(process.platform === 'win32')(
  'a leader stopped by SIGSTOP in a push: another takes over within two leases and ends the push; the first wakes, changes no row, sends no byte, and ends (R7, I1, I3, T-A5)',
  { timeout: 60_000 },
  async () => {
    const took = await takeOver({ times: 2, seed: seedOf('TAKEOVER_SEED') });
    process.stderr.write(`takeovers: ${took.map(Math.round).join(', ')} ms\n`);
    expect(Math.max(...took)).toBeLessThan(2 * LEASE_MS);
  },
);
