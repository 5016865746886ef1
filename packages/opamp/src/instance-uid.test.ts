import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatUid, newUuidV7, parseUid, uidFromBytes, uidToBytes } from './index.ts';

const badUid = expect.objectContaining({ code: 'bad-instance-uid' });

test('S-077: any 16 bytes are a uid, and come back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      const uid = uidFromBytes(bytes);
      expect(uid).toMatch(/^[0-9a-f]{32}$/);
      expect(uidToBytes(uid)).toEqual(bytes);
      expect(parseUid(formatUid(uid))).toBe(uid);
      expect(parseUid(uid.toUpperCase())).toBe(uid);
    }),
  );
});

test.each([0, 15, 17, 26, 36])('S-076: %i bytes are none', (length) => {
  expect(() => uidFromBytes(new Uint8Array(length))).toThrow(badUid);
});

test.each([
  '',
  'x',
  '018f3a2b4c5d7e6f8091a2b3c4d5e6f',
  '018f3a2b4c5d7e6f8091a2b3c4d5e6fg',
  '018f-3a2b4c5d7e6f8091a2b3c4d5e6f7',
])('the text "%s" is none', (text) => {
  expect(parseUid(text)).toBeUndefined();
});

test('S-032: written with hyphens', () => {
  expect(formatUid(uidFromBytes(Buffer.from('018f3a2b4c5d7e6f8091a2b3c4d5e6f7', 'hex')))).toBe(
    '018f3a2b-4c5d-7e6f-8091-a2b3c4d5e6f7',
  );
});

test('S-080, S-081: a new uid of 16 bytes is a UUID v7 of its time, and sorts by it', () => {
  const time = fc.integer({ min: 0, max: 2 ** 48 - 1 });
  fc.assert(
    fc.property(time, time, fc.uint8Array({ minLength: 10, maxLength: 10 }), (a, b, random) => {
      const uid = newUuidV7(a, random);
      expect(formatUid(uid)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(Number.parseInt(uid.slice(0, 12), 16)).toBe(a);
      if (a < b) expect(uid < newUuidV7(b, random)).toBe(true);
    }),
  );
  // The example of RFC 9562, A.6.
  const random = new Uint8Array(Buffer.from('0cc318c4dc0c0c07398f', 'hex'));
  expect(formatUid(newUuidV7(0x017f22e279b0, random))).toBe('017f22e2-79b0-7cc3-98c4-dc0c0c07398f');
});

test('different random bytes give different uids; another count of them is a mistake', () => {
  const uids = new Set(Array.from({ length: 256 }, (_, i) => newUuidV7(0, new Uint8Array(10).fill(i))));
  expect(uids.size).toBe(256);
  expect(() => newUuidV7(0, new Uint8Array(9))).toThrow(RangeError);
});
