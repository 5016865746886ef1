import { expect, test } from 'vitest';
import { B } from '../../test/samples.ts';
import { LIMITS } from '../limits.ts';
import { alertKey, summaryOf } from './alert.ts';
import type { Complaint } from './complaint.ts';
import { Tally } from './tally.ts';

const complaint = (message: string): Complaint => ({
  kind: 'config-failed',
  rollout: 'r-1',
  group: 'edge',
  revision: B,
  reason: 'agent-failed',
  message,
});

function tallyOf(messages: readonly string[]): Tally {
  const tally = new Tally();
  for (const [index, message] of messages.entries()) tally.add(`a-${index}`, `host-${index}`, complaint(message));
  return tally;
}

const stored = (tally: Tally) => ({
  id: 'n',
  ...complaint(''),
  ...tally.facts(),
  raisedAt: 0,
  updatedAt: 0,
  resolvedAt: null,
  held: tally.held(),
});

test('the same words are one cause, the most frequent first, with some examples', () => {
  const { count, remaining, revision, causes } = tallyOf(['x', ...Array<string>(7).fill('y')]).facts();
  expect({ count, remaining, revision }).toEqual({ count: 8, remaining: 8, revision: B });
  expect(causes.map((cause) => [cause.message, cause.count, cause.examples.length])).toEqual([
    ['y', 7, LIMITS.alertExamples],
    ['x', 1, 1],
  ]);
  expect(causes[1]?.examples).toEqual([{ agent: 'a-0', name: 'host-0' }]);
});

test('who comes back is not counted again', () => {
  const tally = tallyOf(['x', 'x']);
  tally.remove('a-0');
  expect(tally.facts()).toMatchObject({ count: 2, remaining: 1 });
  tally.add('a-0', 'host-0', complaint('z'));
  tally.add('a-0', 'host-0', complaint('z'));
  expect(tally.facts()).toMatchObject({ count: 2, remaining: 2 });
  expect(tally.facts().causes).toHaveLength(1);
});

test('everybody says something else', () => {
  const tally = tallyOf(Array.from({ length: 20_000 }, (_, index) => `${index} ${'x'.repeat(10_000)}`));
  const { count, remaining, causes } = tally.facts();
  expect({ count, remaining }).toEqual({ count: 20_000, remaining: 20_000 });
  expect(causes).toHaveLength(LIMITS.alertCauses);
  expect(causes[0]).toMatchObject({
    reason: 'other',
    message: 'other messages',
    count: 20_000 - LIMITS.alertCauses + 1,
  });
  expect(causes.reduce((sum, cause) => sum + cause.count, 0)).toBe(20_000);
  expect(JSON.stringify(stored(tally)).length).toBeLessThan(30_000);
});

test('taken up again, who was counted is not counted again', () => {
  const tally = tallyOf(['x', 'x', 'y']);
  tally.remove('a-1');
  const again = new Tally(stored(tally));
  expect(again.facts()).toEqual(tally.facts());
  again.adopt('a-0');
  again.add('a-2', 'host-2', complaint('y'));
  expect(again.facts()).toEqual(tally.facts());
  again.add('a-9', 'host-9', complaint('y'));
  expect(again.facts()).toMatchObject({ count: 4, remaining: 3, causes: [{ count: 2 }, { count: 2 }] });
});

test('more agents than are remembered: who says so still is taken up, and not counted twice', () => {
  const tally = tallyOf(Array<string>(LIMITS.alertHeld + 500).fill('x'));
  const again = new Tally(stored(tally));
  expect(again.facts()).toMatchObject({ count: 1_500, remaining: LIMITS.alertHeld });
  for (let index = 0; index < 1_500; index += 1) again.adopt(`a-${index}`);
  expect(again.facts()).toMatchObject({ count: 1_500, remaining: 1_500 });
});

test('an alert is of a rollout, or of a group where there is none', () => {
  expect(alertKey({ kind: 'drift', rollout: 'r-1', group: 'edge' })).toBe('drift rollout/r-1');
  expect(alertKey({ kind: 'drift', rollout: null, group: 'edge' })).toBe('drift group/edge');
  expect(alertKey({ kind: 'drift', rollout: null, group: null })).toBe('drift group/');
});

test('a sentence for people, in one line of bounded length', () => {
  const one = { ...complaint(''), ...tallyOf(['no\nsuch   file']).facts() };
  expect(summaryOf(one)).toBe('agent host-0 could not apply edge@11 (group edge, rollout r-1): no such file');
  const many = { ...complaint(''), ...tallyOf(['x'.repeat(900), 'y']).facts(), group: null, rollout: null };
  expect(summaryOf(many)).toMatch(/^2 agents could not apply edge@11: x+$/);
  expect(summaryOf(many)).toHaveLength(LIMITS.alertSummary);
});
