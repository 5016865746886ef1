/** A push to several groups (A.7). */
import { expect, test } from 'vitest';
import {
  AT_ONCE,
  admitted,
  after,
  canaryPassed,
  failing,
  observe,
  paused,
  rollbackStarted,
  started,
} from '../../test/rollouts.ts';
import { byNeed, familyRoom, hasTripped, placesHeldBy } from './family.ts';
import { PAUSE_REASONS } from './rollout.ts';

test('all canaries together have as many in flight as one', () => {
  const [one, other] = [after(started(), admitted('c1', 'c2')), started({ id: 'r-2' })];
  expect(familyRoom(one, [one, other])).toBe(1);
  expect(familyRoom(other, [one, other])).toBe(1);
  const full = after(one, admitted('c3'));
  expect(familyRoom(other, [full, other])).toBe(0);
});

test('beyond their canaries all have as many as the one that may most by itself', () => {
  const [small, large] = [canaryPassed({ maxInFlight: 4 }), canaryPassed({ id: 'r-2', maxInFlight: 9 })];
  expect(familyRoom(small, [small, large])).toBe(9);
  const busy = after(large, admitted('a', 'b', 'd', 'e', 'f', 'g', 'h'));
  expect(familyRoom(small, [small, busy])).toBe(2);
});

test('one that is still in its canary does not slow those beyond it, nor grows with them', () => {
  const [ahead, behind] = [after(canaryPassed({ maxInFlight: 50 }), admitted('a')), started({ id: 'r-2' })];
  expect(familyRoom(ahead, [ahead, behind])).toBe(49);
  expect(familyRoom(behind, [ahead, behind])).toBe(3);
});

test('who has the fewest in flight is asked first, then who had the fewest turns', () => {
  const busy = after(canaryPassed(), admitted('a', 'b'));
  const ahead = after(canaryPassed({ id: 'r-2' }), admitted('a'), observe('a', 'proven'));
  const behind = started({ id: 'r-3' });
  expect([busy, ahead, behind].sort(byNeed).map(({ id }) => id)).toEqual(['r-3', 'r-2', 'r-1']);
});

test('who waits for places is told who holds them; nobody does while there is one', () => {
  const holds = after(started({ group: 'core' }), admitted('c1', 'c2', 'c3'));
  const [waits, idle] = [started({ id: 'r-2' }), started({ id: 'r-3', group: 'lab' })];
  expect(placesHeldBy(waits, [holds, waits, idle])).toEqual(['core']);
  expect(placesHeldBy(waits, [after(started({ group: 'core' }), admitted('c1')), waits])).toEqual([]);
});

test('one that is paused gives nobody its bound, and its agents in flight still count', () => {
  const large = after(started({ ...AT_ONCE, maxInFlight: 100 }), admitted('a', 'b'), paused());
  const small = canaryPassed({ id: 'r-2', maxInFlight: 5 });
  expect(familyRoom(small, [large, small])).toBe(3);
});

test.each(PAUSE_REASONS)('a pause for %s: does it stop the siblings?', (reason) => {
  const trips = ['failures', 'lost', 'threshold', 'environment', 'no-rollback-target'].includes(reason);
  expect(hasTripped(after(canaryPassed(), paused(reason)))).toBe(trips);
});

test('what is taken back does, and where nothing is proven because agents failed', () => {
  expect(hasTripped(after(canaryPassed(), rollbackStarted))).toBe(true);
  expect(hasTripped(canaryPassed())).toBe(false);
  const failed = after(canaryPassed(), admitted('a'), failing('a'), paused('nothing-proven'));
  expect(hasTripped(failed)).toBe(true);
  expect(hasTripped(after(canaryPassed(), admitted('a'), observe('a', 'inconclusive'), paused('nothing-proven')))).toBe(
    false,
  );
});
