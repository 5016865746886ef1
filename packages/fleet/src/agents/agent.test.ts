import { expect, test } from 'vitest';
import { presence, T0 } from '../../test/samples.ts';
import { LIMITS } from '../limits.ts';
import { isFlapping, latest } from './agent.ts';

const MINUTE = 60_000;

test('three departures within ten minutes are flapping (A.7)', () => {
  const at = (...minutes: number[]) => presence({ departures: minutes.map((minute) => T0 + minute * MINUTE) });
  expect(isFlapping(at(0, 1), T0 + MINUTE)).toBe(false);
  expect(isFlapping(at(0, 1, 9), T0 + 9 * MINUTE)).toBe(true);
  expect(isFlapping(at(0, 1, 9), T0 + 10 * MINUTE)).toBe(false);
  expect(isFlapping(at(0, 5, 10), T0 + 10 * MINUTE)).toBe(false);
});

test('only as many are remembered as matter', () => {
  const times = [1, 2, 3, 4, 5].reduce<readonly number[]>((known, at) => latest(known, at, LIMITS.flapping), []);
  expect(times).toEqual([3, 4, 5]);
});
