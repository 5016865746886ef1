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
