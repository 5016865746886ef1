import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backOff } from './back-off.ts';

test('twice as long each time, up to an hour, half of it by chance', () => {
  expect([1, 2, 3, 4].map((failures) => backOff(failures, 1))).toEqual([2_000, 4_000, 8_000, 16_000]);
  expect(backOff(1, 0)).toBe(1_000);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), fc.double({ min: 0, max: 1, noNaN: true }), (failures, random) => {
      const wait = backOff(failures, random);
      expect(wait).toBeGreaterThanOrEqual(backOff(failures, 0));
      expect(wait).toBeLessThanOrEqual(3_600_000);
    }),
  );
});

test('a day has some thirty attempts', () => {
  let spent = 0;
  let attempts = 1;
  for (; spent < 86_400_000; attempts += 1) spent += backOff(attempts, 0.5);
  expect(attempts).toBeGreaterThan(25);
  expect(attempts).toBeLessThan(50);
});
