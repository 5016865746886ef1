import fc from 'fast-check';
import { expect, test } from 'vitest';
import { frame, OpampError, unframe } from './index.ts';

const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'));

test('S-011, S-014: a frame is the byte 00 and the payload', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (payload) => {
      expect(frame(payload)).toEqual(Uint8Array.of(0, ...payload));
      expect(unframe(frame(payload))).toEqual(payload);
    }),
  );
});

test.each([
  ['one byte', '00', ''],
  ['nothing after it (S-015)', '00', ''],
  ['three bytes', '8080000a', '0a'],
  ['ten bytes', `${'80'.repeat(9)}000a`, '0a'],
])('S-013: a header of %s', (_name, message, payload) => {
  expect(unframe(bytes(message))).toEqual(bytes(payload));
});

test.each([
  ['none at all', ''],
  ['the value 1', '010a'],
  ['no header (A12)', '0a10'],
  ['a value in the second byte', '80010a'],
  ['cut off', '8080'],
  ['ten bytes without end', '80'.repeat(10)],
  ['eleven bytes', `${'80'.repeat(10)}00`],
])('S-012, S-013: a header with %s is refused', (_name, message) => {
  expect(() => unframe(bytes(message))).toThrow(expect.objectContaining({ code: 'bad-header' }));
  expect(() => unframe(bytes(message))).toThrow(OpampError);
});

test('the payload is a view, not a copy', () => {
  const message = bytes('00010203');
  expect(unframe(message).buffer).toBe(message.buffer);
});
