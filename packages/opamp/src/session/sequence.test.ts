import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fingerprint } from './sequence.ts';

test('equal bytes, equal fingerprints, wherever they lie in their buffer', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(7), (bytes, offset) => {
      const buffer = new Uint8Array(bytes.length + offset + 3);
      buffer.set(bytes, offset);
      expect(fingerprint(buffer.subarray(offset, offset + bytes.length))).toBe(fingerprint(bytes));
    }),
  );
});

test('every single changed bit, cut or zero counts', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), (bytes) => {
      const print = fingerprint(bytes);
      expect(fingerprint(Uint8Array.of(...bytes, 0))).not.toBe(print);
      expect(fingerprint(bytes.subarray(1))).not.toBe(print);
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const changed = bytes.slice();
        changed[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(fingerprint(changed)).not.toBe(print);
      }
    }),
    { numRuns: 50 },
  );
});

test('a few bytes that differ in the middle of a report count, however far apart', () => {
  const report = new Uint8Array(20_480).map((_, i) => 48 + (i % 10));
  const print = fingerprint(report);
  const change = fc.record({ at: fc.nat(report.length - 1), to: fc.integer({ min: 48, max: 57 }) });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      const changed = report.slice();
      for (const { at, to } of changes) changed[at] = to;
      expect(fingerprint(changed) === print).toBe(Buffer.compare(changed, report) === 0);
    }),
    { numRuns: 1_000 },
  );
});
