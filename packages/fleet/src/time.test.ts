import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatDuration, parseDuration } from './time.ts';

test.each([
  ['30s', 30_000],
  ['1h30m', 5_400_000],
  ['250ms', 250],
  ['2d', 172_800_000],
  ['1.5s', 1_500],
  ['0s', 0],
  ['1m1ms', 60_001],
  ['90s', 90_000],
])('%s is %i ms', (text, millis) => expect(parseDuration(text)).toBe(millis));

test.each(['', ' ', '30', 's', '-1s', '1 s', '1s ', '1w', '1e3s', 'Infinitys', '.5s', '1.s', `${'9'.repeat(20)}s`])(
  '%j is none',
  (text) => expect(parseDuration(text)).toBeUndefined(),
);

test.each([
  [0, '0s'],
  [1, '1ms'],
  [999, '999ms'],
  [1_000, '1s'],
  [1_500, '1s500ms'],
  [60_000, '1m'],
  [5_400_000, '1h30m'],
  [90_061_001, '1d1h1m1s1ms'],
])('%i ms is written %s', (millis, text) => expect(formatDuration(millis)).toBe(text));

test('round trip, to the millisecond', () => {
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 45 }), (millis) => {
      expect(parseDuration(formatDuration(millis))).toBe(millis);
    }),
  );
});

test('any text is a number from 0 or none, quickly', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200, unit: fc.constantFrom(...'0123.msdh ') }), (text) => {
      const millis = parseDuration(text);
      expect(millis === undefined || (Number.isSafeInteger(millis) && millis >= 0)).toBe(true);
    }),
  );
});
