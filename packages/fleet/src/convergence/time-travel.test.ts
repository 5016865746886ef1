import { describe, expect, test } from 'vitest';
import { A, agent, assigned, B, C, entry, reported, T0 } from '../../test/samples.ts';
import type { Agent } from '../agents/agent.ts';
import type { LedgerEntry } from './ledger.ts';
import { isOutlived, unassignedHash } from './time-travel.ts';

/** Assigned `revisions`, one after the other, and says that it runs `names`. */
function grown(revisions: LedgerEntry['revision'][], names: typeof A | null): { agent: Agent; history: LedgerEntry[] } {
  const history = revisions.map((revision, index) => entry('proven', { revision, generation: index + 1 })).reverse();
  const base = assigned(history[0] ?? entry('proven'), { reported: reported(names, 'APPLIED', T0) });
  return { agent: { ...base, assignment: { ...base.assignment, generation: revisions.length } }, history };
}

describe('a configuration that was never assigned to the agent by this database (I14)', () => {
  test('the one that it names and no entry of its ledger has', () => {
    const { agent, history } = grown([A, B], C);
    expect(unassignedHash(agent, history)).toBe(C.hash);
  });

  test('also of an agent that was never assigned anything', () => {
    expect(unassignedHash(agent(), [])).toBe(A.hash);
  });

  test.each([A, B, null])('none when it names an earlier one, the present one, or nothing', (names) => {
    const { agent, history } = grown([A, B], names);
    expect(unassignedHash(agent, history)).toBeUndefined();
  });

  test('none when it was proven on it, or it is on the way from before', () => {
    const { agent, history } = grown([A, B], C);
    const left = { hash: C.hash, epoch: 'e', sentAt: T0, until: T0 };
    for (const over of [{ proven: [C] }, { leftOnTheWay: left }]) {
      expect(unassignedHash({ ...agent, assignment: { ...agent.assignment, ...over } }, history)).toBeUndefined();
    }
  });

  test('none when the beginning of its history is no longer kept', () => {
    const { agent, history } = grown([A, B], C);
    expect(unassignedHash(agent, history.slice(0, 1))).toBeUndefined();
  });

  test('that it refused it is no sign that it was assigned', () => {
    const { agent, history } = grown([A, B], C);
    const refused = [{ hash: C.hash, reason: 'agent-failed', message: '', at: T0 }] as const;
    expect(unassignedHash({ ...agent, assignment: { ...agent.assignment, refused } }, history)).toBe(C.hash);
  });
});

describe('an agent that has outlived what is wanted of it (I14)', () => {
  const { agent } = grown([A, B], C);
  const later = (agent.ledger?.offeredAt ?? 0) + 1;

  test('names what the older database does not know', () => expect(isOutlived(agent, later)).toBe(true));
  test('and so looks as if it had come back from an old disk', () => {
    expect(isOutlived({ ...agent, ledger: entry('sent', { reverts: 1 }) }, later)).toBe(true);
  });

  test.each([
    ['the database never went back', agent, null],
    ['it was wanted anew since', agent, later - 1],
    ['it runs what is wanted', grown([A, B], B).agent, later],
    ['it names nothing', grown([A, B], null).agent, later],
    ['it was proven on that', { ...agent, assignment: { ...agent.assignment, proven: [C] } }, later],
    ['it is still under way', { ...agent, ledger: entry('sent') }, later],
    ['nothing is wanted', { ...agent, ledger: null }, later],
  ])('not when %s', (_, subject, travelledAt) => expect(isOutlived(subject, travelledAt)).toBe(false));
});
