/** R4: the disk really fails at every 30th of the about 130 writes of a push; disk.full.test.ts has all, and more ways. */
import { describe, expect, test } from 'vitest';
import { randomOf, seedOf } from '../random.ts';
import { failAtWrites, KINDS, POSSIBLE } from './disk.ts';

const STEP = 30;

describe.each(['full file system', 'limited files'])('a disk that fails: %s', (kind) => {
  const needs = KINDS[kind] ?? 'prlimit';
  test.skipIf(!POSSIBLE[needs])(
    `nothing is acknowledged after it, nothing is lost, and all goes on when it is well again (needs ${needs})`,
    { timeout: 300_000 },
    () => {
      const from = 1 + Math.floor(randomOf(seedOf('DISK_SEED'))() * STEP);
      expect(failAtWrites(kind, { from, step: STEP })).toBeGreaterThan(1);
    },
  );
});
