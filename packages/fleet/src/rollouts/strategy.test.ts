import { describe, expect, test } from 'vitest';
import { FleetError } from '../errors.ts';
import { boundsOf, type StrategyOverrides, strategyNamed, withOverrides } from './strategy.ts';

const base = strategyNamed('all-at-once');
const inFlight = (share: StrategyOverrides['maxInFlight'], planned: number): number =>
  boundsOf(withOverrides(base, { maxInFlight: share }), planned).maxInFlight;
const failures = (share: StrategyOverrides['maxFailed'], planned: number): number =>
  boundsOf(withOverrides(base, { maxFailed: share }), planned).maxFailed;

test('an unknown name is refused with those there are', () => {
  expect(() => strategyNamed('slow')).toThrow('no strategy is called "slow"; there is: careful, quick, all-at-once');
  expect(() => strategyNamed('constructor')).toThrow(FleetError);
});

test.each([
  [0, 1],
  [1, 1],
  [4, 1],
  [5, 2],
  [300, 75],
  [10_000, 2_000],
])('all-at-once with %i agents has %i at once: a quarter, from 1 to 2,000', (planned, bound) => {
  expect(boundsOf(base, planned).maxInFlight).toBe(bound);
});

test.each([
  [{ count: 3 }, 1_000, 3],
  [{ count: 5_000 }, 10_000, 5_000],
  [{ percent: 100 }, 10_000, 10_000],
  [{ percent: 0 }, 100, 1],
  [{ percent: 100 }, 7, 7],
])('maxInFlight %o of %i is %i', (share, planned, bound) => expect(inFlight(share, planned)).toBe(bound));

test.each([
  [{ percent: 1 }, 99, 0],
  [{ percent: 1 }, 100, 1],
  [{ percent: 1 }, 399, 3],
  [{ count: 0 }, 1_000, 0],
])('maxFailed %o of %i is %i: rounded down', (share, planned, bound) => expect(failures(share, planned)).toBe(bound));

describe('overrides', () => {
  test('what is not given stays, name and all', () => {
    expect(withOverrides(base, {})).toEqual(base);
    expect(withOverrides(base, { minHealthyTime: 5_000 })).toEqual({
      ...base,
      terms: { ...base.terms, minHealthyTime: 5_000 },
    });
  });
});
