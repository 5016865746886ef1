import { describe, expect, test } from 'vitest';
import { assigned, B, entry, health, presence, reported, T0 } from '../../test/samples.ts';
import type { Agent, Presence } from '../agents/agent.ts';
import { assess } from './assess.ts';
import { withLedger } from './assignment.ts';
import type { LedgerEntry } from './ledger.ts';
import { REGRESSION_GRACE, regression } from './regression.ts';

const NOW = T0 + 100_000;
const there = presence({ lastSeen: NOW });
const proven = assigned(entry('proven'), {
  reported: reported(B, 'APPLIED', T0 + 5_000),
  health: health(true, T0 + 5_000),
});

/** The agent after a report of its health. */
function says(before: Agent, healthy: boolean, at: number, words = ''): Agent {
  const told = { ...before, report: { ...before.report, health: health(healthy, at, words) } };
  return withLedger(told, assess(told, there, at));
}
const of = (subject: Agent, now: number, where: Presence = there) =>
  regression(subject, where, subject.ledger as LedgerEntry, now);

describe('late regression (A.4)', () => {
  test('ill for longer than the grace, counted from when that began, whatever words come meanwhile', () => {
    const ill = says(says(proven, false, NOW, 'exit 1, pid 7'), false, NOW + 10_000, 'exit 1, pid 8');
    expect(of(ill, NOW + REGRESSION_GRACE)).toBeUndefined();
    expect(of(ill, NOW + REGRESSION_GRACE + 1)).toEqual({ reason: 'late-regression', message: 'exit 1, pid 8' });
    expect(ill.ledger?.phase).toBe('proven');
  });

  test('well again in between is none, once: a Supervisor starts a dead Collector again after five seconds', () => {
    const back = says(says(proven, false, NOW), true, NOW + 10_000);
    expect(of(back, NOW + 60_000)).toBeUndefined();
    const again = says(back, false, NOW + 20_000, 'exit 1');
    expect(of(again, NOW + 20_000)).toEqual({ reason: 'late-regression', message: 'exit 1' });
    expect(of(says(again, true, NOW + 25_000), NOW + 60_000)).toBeUndefined();
  });

  test('nothing is said of one whose state is not known, nor without words of ours', () => {
    const ill = says(proven, false, NOW);
    expect(of(ill, NOW + 60_000, presence({ synced: false }))).toBeUndefined();
    expect(of(ill, NOW + 60_000)?.message).toMatch(/healthy when this was proven/);
  });

  test('gone for longer than the apply timeout is lost contact; not heard since our own start is not known', () => {
    const gone = presence({ connected: false, disconnectedAt: NOW });
    expect(of(proven, NOW + 120_000, gone)).toBeUndefined();
    expect(of(proven, NOW + 120_001, gone)?.reason).toBe('lost-contact');
    expect(of(proven, NOW + 1e9, presence({ connected: false, disconnectedAt: null }))).toBeUndefined();
  });

  test('only of what was proven', () => {
    const open = assigned(entry('verifying', { unhealthySince: T0 }));
    expect(of(open, NOW + 1e9)).toBeUndefined();
  });
});
