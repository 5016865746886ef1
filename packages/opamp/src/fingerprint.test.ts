import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fingerprint } from './fingerprint.ts';

test('equal bytes, equal fingerprints, wherever they lie in their buffer', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(7), (bytes, offset) => {
      const buffer = new Uint8Array(bytes.length + offset + 3);
      buffer.set(bytes, offset);
      const print = fingerprint(bytes);
      expect(fingerprint(buffer.subarray(offset, offset + bytes.length))).toBe(print);
      expect(Number.isSafeInteger(print) && print >= 0).toBe(true);
    }),
  );
});

test('every single changed bit, cut or zero counts', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), (bytes) => {
      const prints = new Set([
        fingerprint(bytes),
        fingerprint(Uint8Array.of(...bytes, 0)),
        fingerprint(bytes.subarray(1)),
      ]);
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const changed = bytes.slice();
        changed[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        prints.add(fingerprint(changed));
      }
      expect(prints.size).toBe(3 + bytes.length * 8);
    }),
  );
});

test('100,000 heartbeats that differ in their number alone do not collide', () => {
  const bytes = new Uint8Array(24);
  const view = new DataView(bytes.buffer);
  const prints = new Set<number>();
  for (let i = 0; i < 100_000; i++) {
    view.setUint32(17, i);
    prints.add(fingerprint(bytes));
  }
  expect(prints.size).toBe(100_000);
});
