import { expect, test } from 'vitest';
import { started } from '../../test/rollouts.ts';
import { agent, health, presence, T0 } from '../../test/samples.ts';
import { controlGroup, fisher, isAlike } from './control-group.ts';

test.each([
  [{ bad: 1, all: 3 }, { bad: 0, all: 500 }, 0.006, false],
  [{ bad: 1, all: 3 }, { bad: 50, all: 500 }, 0.273, true],
  [{ bad: 3, all: 3 }, { bad: 50, all: 500 }, 0.001, false],
  [{ bad: 30, all: 500 }, { bad: 300, all: 5_000 }, 0.53, true],
])('%o against %o: p = %f', (updated, control, p, alike) => {
  expect(fisher(updated, control)).toBeCloseTo(p, 2);
  expect(isAlike(updated, control)).toBe(alike);
});

test('a handful of untouched agents tells nothing', () => {
  expect(isAlike({ bad: 1, all: 3 }, { bad: 19, all: 19 })).toBe(false);
  expect(isAlike({ bad: 1, all: 3 }, { bad: 20, all: 20 })).toBe(true);
});

test('where all is well among the untouched, it is the revision, also when so few have it that it may be chance', () => {
  expect(fisher({ bad: 1, all: 3 }, { bad: 0, all: 57 })).toBeGreaterThanOrEqual(0.05);
  expect(isAlike({ bad: 1, all: 3 }, { bad: 0, all: 57 })).toBe(false);
  expect(isAlike({ bad: 1, all: 3 }, { bad: 1, all: 57 })).toBe(true);
});

test('a probability, however large the numbers', () => {
  const p = fisher({ bad: 2_000, all: 50_000 }, { bad: 2_000, all: 50_000 });
  expect(p).toBeGreaterThan(0.4);
  expect(p).toBeLessThan(0.6);
  expect(fisher({ bad: 0, all: 10 }, { bad: 5, all: 10 })).toBeCloseTo(1, 9);
});

const member = (id: string, illAt: number | null, over = {}) => {
  const one = agent(id);
  return {
    agent: { ...one, report: { ...one.report, health: health(illAt === null, illAt ?? T0) } },
    presence: presence(over),
  };
};
const UNHEARD = { connected: false, lastSeen: null };

test('of the untouched, who was ill or away before the rollout began tells nothing', () => {
  const gone = (disconnectedAt: number) => ({ connected: false, disconnectedAt });
  const members = [member('a', null), member('b', T0 - 1), member('c', T0 + 1)];
  const away = [member('d', null, gone(T0 - 1)), member('e', null, gone(T0 + 1)), member('f', null, UNHEARD)];
  expect(controlGroup(started(), [...members, ...away], T0 - 1)).toEqual({ bad: 2, all: 3 });
});

test('who has not come back after our own start is gone, as a target would be; before the rollout it says nothing', () => {
  expect(controlGroup(started(), [member('a', null, UNHEARD)], T0 + 1)).toEqual({ bad: 1, all: 1 });
  expect(controlGroup(started(), [member('a', null, UNHEARD)], T0 - 1)).toEqual({ bad: 0, all: 0 });
});
