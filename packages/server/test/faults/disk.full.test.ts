/** The long run of disk.test.ts: each write of a push. */
import { describe, expect, test } from 'vitest';
import { failAtWrites, KINDS, POSSIBLE } from './disk.ts';

describe.each(Object.entries(KINDS))('a disk that fails: %s', (kind, needs) => {
  test.skipIf(!POSSIBLE[needs])(`at each write of a push (needs ${needs})`, () => {
    const times = failAtWrites(kind);
    process.stderr.write(`${kind}: failed at each of ${times} writes\n`);
    expect(times).toBeGreaterThan(kind === 'EIO of a sync' ? 5 : 50);
  });
});
