import { describe, expect, test } from 'vitest';
import {
  A,
  agent,
  assigned,
  B,
  C,
  entry,
  health,
  presence,
  QUICK,
  ROLLOUT,
  reported,
  revision,
  T0,
  TERMS,
} from '../../test/samples.ts';
import type { Agent } from '../agents/agent.ts';
import type { RevisionRef } from '../configurations/revision.ts';
import { LIMITS } from '../limits.ts';
import { assess } from './assess.ts';
import { assign, conflicted, lastGood, retry, unassign, withLedger } from './assignment.ts';
import { mustReconnect } from './crossing.ts';
import type { FailureReason } from './ledger.ts';
import { decideOffer } from './pull-law.ts';

const NOW = T0 + 1_000;
const refusedB = (message = 'no') => ({ hash: B.hash, reason: 'agent-failed', message, at: T0 }) as const;

describe('assign', () => {
  test('opens a new generation, with its source and terms', () => {
    const next = assign(agent(), B, ROLLOUT, TERMS, NOW);
    expect(next.assignment.generation).toBe(1);
    expect(next.ledger).toMatchObject({
      phase: 'offered',
      revision: B,
      source: ROLLOUT,
      terms: TERMS,
      generation: 1,
      offeredAt: NOW,
      sends: 0,
      sentAt: null,
    });
  });

  test('another revision begins from nothing once the last one was named', () => {
    const next = assign(assigned(entry('applying')), C, ROLLOUT, TERMS, NOW);
    expect(next.ledger).toMatchObject({ sentAt: null, sends: 0, receivedAt: null });
    expect(next.assignment.leftOnTheWay).toBeNull();
  });

  test('the same hash is not sent again on its epoch by a new assignment (I5)', () => {
    const next = assign(assigned(entry('sent')), B, { kind: 'pin' }, QUICK, NOW);
    expect(decideOffer(next, presence(), NOW)).toBe('no');
    const seen = assess(next, presence(), NOW);
    expect(seen).toMatchObject({ phase: 'sent', generation: 2, deadline: NOW + 120_000, sends: 1 });
  });

  test('the same hash, proven, is proven again under the new source without a send', () => {
    const proven = assigned(entry('proven', { effective: { kind: 'confirmed', why: '', at: T0 } }), {
      reported: reported(B, 'APPLIED', T0),
      health: health(true, T0),
    });
    const next = assign(proven, B, ROLLOUT, { ...QUICK, requireEffective: 'never' }, NOW);
    expect(next.ledger?.phase).toBe('offered');
    expect(assess(next, presence({ lastSeen: NOW }), NOW)).toMatchObject({ phase: 'proven', generation: 2 });
  });

  test('a report that crossed an unanswered send proves nothing (I13)', () => {
    // B is on the way, the agent still names A, and A is wanted again.
    const onTheWay = assigned(entry('sent', { deadline: T0 + 120_000 }));
    const back = assign(onTheWay, A, ROLLOUT, { ...QUICK, requireEffective: 'never' }, NOW);
    expect(back.assignment.leftOnTheWay).toEqual({ hash: B.hash, epoch: 'e1', sentAt: T0, until: NOW + 120_000 });
    expect(assess(back, presence(), NOW)?.phase).toBe('offered');
    // The agent names B: now A has to be sent.
    const named = { ...back, report: { ...back.report, reported: reported(B, 'APPLYING', NOW) } };
    expect(decideOffer(named, presence(), NOW)).toBe('offer');
    // It never does. The time that it had alone ends nothing while the connection is there, which may still hold B.
    const later = NOW + 120_000;
    expect(assess(back, presence({ lastSeen: later }), later)?.phase).toBe('offered');
    expect(mustReconnect(back, presence(), later - 1)).toBe(false);
    expect(mustReconnect(back, presence(), later)).toBe(true);
    const again = presence({ epoch: 'e2', fullStateAt: later, lastSeen: later });
    expect(mustReconnect(back, again, later)).toBe(false);
    expect(assess(back, again, later)?.phase).toBe('proven');
  });

  test('nor does it when the assignment was taken back in between (unpin, another group)', () => {
    const idle = unassign(assigned(entry('sent')), NOW);
    expect(idle.assignment.leftOnTheWay).toMatchObject({ hash: B.hash });
    const back = assign(idle, A, ROLLOUT, { ...QUICK, requireEffective: 'never' }, NOW);
    expect(assess(back, presence(), NOW)?.phase).toBe('offered');
    expect(back.assignment.leftOnTheWay).toMatchObject({ hash: B.hash });
    // And B itself is not sent twice on its epoch, by whatever way it is wanted again.
    const again = assign(idle, B, { kind: 'pin' }, QUICK, NOW);
    expect(decideOffer(again, presence(), NOW)).toBe('no');
    expect(again.assignment.leftOnTheWay).toBeNull();
    expect(unassign(assigned(entry('applying')), NOW).assignment.leftOnTheWay).toBeNull();
  });

  test('what is overtaken twice is not forgotten', () => {
    const once = assign(assigned(entry('sent')), C, ROLLOUT, TERMS, NOW);
    const twice = assign(once, A, ROLLOUT, TERMS, NOW);
    expect(twice.assignment.leftOnTheWay).toMatchObject({ hash: B.hash });
  });
});

describe('what an agent was proven on', () => {
  const none = () => false;
  const provenOn = (before: Agent, ref: RevisionRef): Agent => withLedger(before, entry('proven', { revision: ref }));
  const hashes = ({ assignment }: Agent) => assignment.proven.map(({ hash }) => hash);

  test('is remembered once each, newest last, as the very object of its entry', () => {
    const twice = [A, B, A].reduce(provenOn, agent());
    expect(hashes(twice)).toEqual([B.hash, A.hash]);
    expect(twice.assignment.proven.at(-1)).toBe(A);
    expect(withLedger(twice, twice.ledger)).toBe(twice);
  });

  test('five at most', () => {
    const refs = Array.from({ length: LIMITS.provenPerAgent + 2 }, (_, n) => revision(n));
    expect(hashes(refs.reduce(provenOn, agent()))).toEqual(refs.slice(2).map(({ hash }) => hash));
  });

  test('only proof counts, and a new assignment forgets nothing', () => {
    expect(hashes(withLedger(agent(), entry('verifying')))).toEqual([]);
    expect(hashes(assign(provenOn(agent(), A), B, ROLLOUT, TERMS, NOW))).toEqual([A.hash]);
  });

  test('is what it can go back to: the newest that it did not refuse and that is not bad', () => {
    const known = [A, B, C].reduce(provenOn, agent());
    expect(lastGood(known, none)).toBe(C);
    expect(lastGood(known, (hash) => hash === C.hash)).toBe(B);
    const refused = { ...known, assignment: { ...known.assignment, refused: [refusedB()] } };
    expect(lastGood(refused, (hash) => hash === C.hash)).toBe(A);
    expect(lastGood(refused, () => true)).toBeUndefined();
    expect(lastGood(agent(), none)).toBeUndefined();
  });

  test('is doubted when the proof may be that of a clone', () => {
    const known = withLedger(provenOn(agent(), A), entry('proven'));
    expect(hashes(conflicted(known, T0, NOW))).toEqual([A.hash]);
  });
});

test('unassign wants nothing and leaves the memory of refusals', () => {
  const before = { ...assigned(entry('failed')) };
  const after = unassign(before, NOW);
  expect(after.assignment).toMatchObject({ generation: before.assignment.generation + 1 });
  expect(after.assignment.refused).toHaveLength(1);
  expect(after.ledger).toBeNull();
  expect(unassign(after, NOW)).toBe(after);
});

describe('withLedger', () => {
  test('the same entry is the same agent', () => {
    const subject = assigned(entry('applying'));
    expect(withLedger(subject, subject.ledger)).toBe(subject);
  });

  const REASONS: Record<FailureReason, boolean> = {
    'agent-failed': true,
    'agent-reverted': true,
    'restart-loop': true,
    'lost-contact': false,
    'apply-timeout': false,
    unhealthy: false,
    'unchanged-unhealthy': false,
    'late-regression': false,
    'capability-withdrawn': false,
    'effective-mismatch': false,
    'no-effective-config': false,
    'never-acknowledged': false,
    'identity-conflict': false,
  };
  test.each(Object.entries(REASONS))('%s condemns the hash for this agent: %s', (reason, condemns) => {
    const failure = { reason: reason as FailureReason, message: 'words', at: NOW };
    const after = withLedger(assigned(entry('applying')), entry('failed', { failure }));
    expect(after.assignment.refused).toEqual(condemns ? [{ hash: B.hash, ...failure }] : []);
  });

  test('a FAILED that comes after the next assignment is remembered for its own hash (I5)', () => {
    const moved = assign(assigned(entry('applying')), C, ROLLOUT, TERMS, NOW);
    const heard = {
      ...moved,
      report: { ...moved.report, reported: reported(B, 'FAILED', NOW + 1, 'exit code 1') },
    };
    const after = withLedger(heard, assess(heard, presence(), NOW + 1));
    expect(after.ledger?.phase).toBe('offered');
    expect(after.assignment.refused).toEqual([
      { hash: B.hash, reason: 'agent-failed', message: 'exit code 1', at: NOW + 1 },
    ]);
    expect(withLedger(after, after.ledger)).toBe(after);
    const again = assign(after, B, ROLLOUT, TERMS, NOW + 2);
    expect(decideOffer(again, presence(), NOW + 2)).toBe('no');
    expect(assess(again, presence(), NOW + 2)).toMatchObject({
      phase: 'failed',
      failure: { message: 'exit code 1' },
    });
  });

  test('an agent cannot fill the memory with hashes that are none', () => {
    const subject = assigned(entry('applying'));
    const heard = {
      ...subject,
      report: {
        ...subject.report,
        reported: { ...reported(C, 'FAILED', NOW), hash: 'f'.repeat(LIMITS.hashLength + 1) },
      },
    };
    expect(withLedger(heard, heard.ledger)).toBe(heard);
  });

  test('of many refusals the oldest go first', () => {
    let subject = agent();
    for (let n = 0; n <= LIMITS.refusalsPerAgent; n += 1) {
      subject = {
        ...subject,
        report: { ...subject.report, reported: reported(revision(100 + n), 'FAILED', NOW) },
      };
      subject = withLedger(subject, null);
    }
    expect(subject.assignment.refused).toHaveLength(LIMITS.refusalsPerAgent);
    expect(subject.assignment.refused[0]?.hash).toBe(revision(101).hash);
  });
});

describe('retry', () => {
  test('forgets the refusal and offers once more on the same epoch', () => {
    const failed = assigned(entry('failed'), { reported: reported(B, 'FAILED', T0) });
    expect(decideOffer(failed, presence(), NOW)).toBe('no');
    const next = retry(failed, NOW);
    expect(next.assignment).toMatchObject({ refused: [], generation: 2 });
    // In the name of the rollout that gave it the revision.
    expect(next.ledger?.source).toEqual({ kind: 'retry', rollout: 'r-1' });
    expect(decideOffer(next, presence(), NOW)).toBe('offer');
    expect(assess(next, presence(), NOW)?.phase).toBe('offered');
  });

  test('leaves the other refusals', () => {
    const failed = assigned(entry('failed'));
    const other = { ...refusedB(), hash: C.hash };
    const both = { ...failed, assignment: { ...failed.assignment, refused: [refusedB(), other] } };
    expect(retry(both, NOW).assignment.refused).toEqual([other]);
  });

  test.each(['offered', 'sent', 'received', 'applying', 'verifying'] as const)(
    'changes nothing while the attempt is %s: a resend makes the Supervisor say APPLIED falsely',
    (phase) => {
      const open = assigned(entry(phase));
      expect(retry(open, NOW)).toBe(open);
    },
  );

  test('changes nothing without an assignment', () => {
    const idle = agent();
    expect(retry(idle, NOW)).toBe(idle);
  });
});

describe('two agents under one uid (A.7)', () => {
  test('what is under way fails, and nothing of what was said or concluded since counts', () => {
    const said = { reported: reported(B, 'APPLIED', T0), health: health(true, T0) };
    const open = assigned(entry('verifying'), said);
    const refusing = {
      ...open,
      assignment: { ...open.assignment, refused: [refusedB(), { ...refusedB(), hash: C.hash, at: NOW }] },
    };
    const doubted = conflicted(refusing, T0 + 1, NOW);
    expect(doubted.report).toMatchObject({ reported: null, health: null });
    expect(doubted.assignment.refused).toEqual([refusedB()]);
    expect(doubted.ledger).toMatchObject({
      phase: 'failed',
      failure: { reason: 'identity-conflict', at: NOW },
      receivedAt: null,
      appliedAt: null,
      healthySince: null,
      deadline: null,
      sends: 1,
    });
  });

  test('what was proven since is in doubt, what was settled before is not', () => {
    const proven = assigned(entry('proven', { provenAt: T0 }));
    expect(conflicted(proven, T0, NOW).ledger).toMatchObject({ phase: 'failed', provenAt: null });
    expect(conflicted(proven, T0 + 1, NOW).ledger).toBe(proven.ledger);
    const failed = assigned(entry('failed'));
    expect(conflicted(failed, T0 + 4, NOW).ledger).toBe(failed.ledger);
    expect(conflicted(failed, T0, NOW).ledger?.failure?.reason).toBe('identity-conflict');
  });

  test('of an agent that is asked for nothing only the report goes', () => {
    const idle = conflicted(agent(), T0, NOW);
    expect(idle).toMatchObject({ ledger: null, report: { reported: null, health: null } });
  });

  test('a full state takes it up again', () => {
    const doubted = conflicted(assigned(entry('proven', { terms: QUICK })), T0, NOW);
    const report = { health: health(true, NOW), reported: reported(B, 'APPLIED', NOW), effective: null };
    const told = assess({ ...doubted, report }, presence({ lastSeen: NOW }), NOW);
    expect(told).toMatchObject({ phase: 'verifying', failure: { reason: 'identity-conflict' } });
    expect(conflicted({ ...doubted, ledger: told }, NOW + 1, NOW + 2).ledger?.phase).toBe('failed');
  });
});
