/** The way back: whom, to what, how many at a time, and when it is over (A.7, I9). */
import { describe, expect, test } from 'vitest';
import {
  AT_ONCE,
  admitted,
  advanced,
  after,
  around,
  canaryPassed,
  decided,
  failing,
  NOW,
  observe,
  ordered,
  proving,
  rollbackStarted,
  soaking,
  started,
} from '../../test/rollouts.ts';
import { A, agent, assigned, B, C, entry, reported, T0 } from '../../test/samples.ts';
import type { Agent } from '../agents/agent.ts';
import { FAILURE_REASONS, type FailureReason, meaningOf } from '../convergence/ledger.ts';
import { decide } from './decide.ts';
import { failedSoFar, type Rollout } from './rollout.ts';
import { step } from './transitions.ts';
import { eventOf } from './verbs.ts';

const MINUTE = 60_000;

/** An agent that holds B, was proven on these, and is in order. */
const holder = (id: string, proven = [A], over: Partial<Agent['identity']> = {}): Agent => {
  const known = assigned(entry('proven'));
  return { ...known, identity: agent(id, over).identity, assignment: { ...known.assignment, proven: [...proven, B] } };
};
const world = (agents: readonly Agent[] = [], over = {}) =>
  around({ member: (id) => agents.find(({ identity }) => identity.id === id) ?? holder(id), ...over });
const orders = (rollout: Rollout, agents: readonly Agent[] = [], over = {}) => {
  const event = decide(rollout, world(agents, over), NOW);
  return event?.type === 'reverting' ? event.agents.map(({ agent }) => agent) : event;
};
const back = (rollout: Rollout) => after(rollout, rollbackStarted);

describe('whom', () => {
  test('failed ones and those in flight at once, then those that look healthy, newest first', () => {
    const rollout = after(
      canaryPassed({ maxInFlight: 1 }),
      ...proving('a', 'b', 'd'),
      admitted('e'),
      observe('e', 'sent'),
      observe('e', 'inconclusive'),
      admitted('f'),
      failing('f'),
    );
    expect(orders(back(rollout))).toEqual(['f', 'e', 'd', 'b', 'a', 'c3', 'c2']);
  });

  test('a few healthy ones at a time: a quarter, or five times the pace forward', () => {
    const many = Array.from({ length: 40 }, (_, n) => `a${n}`);
    const rollout = back(after(started({ ...AT_ONCE, maxInFlight: 1 }), ...proving(...many)));
    const first = decided(rollout, world(), NOW);
    expect(first.counts).toMatchObject({ reverting: 10, proven: 30 });
    const confirmed = after(first, observe('a39', 'reverted'), observe('a38', 'reverted'));
    expect(decided(confirmed, world(), NOW).counts).toMatchObject({ reverting: 10, proven: 28, reverted: 2 });
    expect(decided(after(first, { type: 'hurried' }), world(), NOW).counts.reverting).toBe(40);
    expect(orders(after(rollout, { type: 'hurried' }), [], { room: 7 })).toHaveLength(7);
  });

  test('failed ones that do not answer do not keep the healthy ones on the revision', () => {
    const bad = Array.from({ length: 12 }, (_, n) => `f${n}`);
    const failed = bad.flatMap((id) => [admitted(id), failing(id)]);
    const well = Array.from({ length: 40 }, (_, n) => `a${n}`);
    const rollout = back(after(started({ ...AT_ONCE, maxInFlight: 1 }), ...proving(...well), ...failed));
    const first = decided(rollout, world(), NOW);
    expect(first.counts).toMatchObject({ reverting: 25, proven: 27 });
    const three = after(first, ...['a39', 'a38', 'a37'].map((id) => observe(id, 'reverted')));
    expect(decided(three, world(), NOW).counts).toMatchObject({ reverting: 25, proven: 24 });
  });

  test('nobody who was never sent it, deferred or skipped', () => {
    const offered = assigned(entry('offered'));
    const unsent = (id: string, left = offered.assignment.leftOnTheWay): Agent => ({
      ...offered,
      identity: agent(id).identity,
      assignment: { ...offered.assignment, proven: [A], leftOnTheWay: left },
    });
    const rollout = back(after(canaryPassed(), admitted('a', 'b', 'd', 'e'), observe('d', 'deferred', 'offline')));
    const found = { ...unsent('e'), report: { ...unsent('e').report, reported: reported(B, 'APPLIED', T0) } };
    const other = { hash: C.hash, epoch: 'e1', sentAt: T0, until: NOW + MINUTE };
    const event = decide(rollout, world([unsent('a'), unsent('b', other), found]), NOW);
    const of = (id: string) => event?.type === 'reverting' && event.agents.find((one) => one.agent === id);
    expect(of('a')).toEqual({ agent: 'a', to: null, reason: 'not-sent' });
    // What an earlier rollout sent it is still on the way.
    expect(of('b')).toEqual({ agent: 'b', to: A, reason: null });
    // It has it, whatever this database knows (I14).
    expect(of('e')).toEqual({ agent: 'e', to: A, reason: null });
    expect(of('d')).toBeUndefined();
    expect(after(rollout, event as never).targets.get('a')).toMatchObject({ state: 'deferred', reason: 'not-sent' });
  });
});

describe('to what', () => {
  test.each([
    ['its own last good revision, whatever the others have', holder('a', [A, C]), C],
    ['not what was condemned since', holder('a', [C, A]), C],
    ['nothing, where nothing is known', holder('a', []), null],
  ])('%s', (_, member, to) => {
    const rollout = back(after(started(AT_ONCE), ...proving('a')));
    const condemned = new Set(to === C && member.assignment.proven[1] === A ? [A.hash] : []);
    const event = decide(rollout, world([member], { condemned }), NOW);
    expect(event).toMatchObject({ agents: [{ agent: 'a', to, reason: to === null ? 'no-last-good' : null }] });
    const state = to === null ? 'revert-unconfirmed' : 'reverting';
    expect(after(rollout, event as never).targets.get('a')?.state).toBe(state);
  });

  test.each([
    [
      'pinned',
      holder('a', [A], { pin: { configuration: 'edge', revision: 1, reason: '', author: '', at: 0, expires: null } }),
    ],
    ['not-admitted', holder('a', [A], { admission: 'quarantined' })],
    ['left-group', holder('a', [A], { group: { name: 'other', since: T0 } })],
  ] as const)('one that is %s meanwhile is not this rollout’s any more', (reason, member) => {
    const rollout = back(after(started(AT_ONCE), ...proving('a')));
    const done = decided(rollout, world([member]), NOW);
    expect(done).toMatchObject({ state: 'rolled-back', counts: { skipped: 1 } });
    expect(done.targets.get('a')).toMatchObject({ state: 'skipped', reason });
  });

  test('nor one that was deleted', () => {
    const rollout = back(after(started(AT_ONCE), ...proving('a')));
    expect(decided(rollout, around(), NOW).targets.get('a')).toMatchObject({ state: 'skipped', reason: 'left-group' });
    // Nobody else would take back who is in no group any more.
    const unmanaged = around({ member: () => holder('a', [A], { group: null }) });
    expect(decided(rollout, unmanaged, NOW).targets.get('a')?.state).toBe('reverting');
  });
});

describe('when it is over', () => {
  const two = () => decided(back(after(started(AT_ONCE), ...proving('a', 'b'))), world(), NOW);

  test('everybody confirmed', () => {
    const one = after(two(), observe('a', 'reverted'));
    expect(decided(one, world(), NOW).state).toBe('rolling-back');
    expect(decided(after(one, observe('b', 'reverted')), world(), NOW)).toMatchObject({
      state: 'rolled-back',
      endedAt: NOW,
      counts: { reverted: 2 },
    });
  });

  test('who does not confirm is given up, listed, and does not end the way back of the others', () => {
    const many = Array.from({ length: 40 }, (_, n) => `a${n}`);
    const first = decided(back(after(started({ ...AT_ONCE, maxInFlight: 1 }), ...proving(...many))), world(), NOW);
    expect(decided(first, world(), NOW + 10 * MINUTE - 1)).toBe(first);
    const second = decided(first, world(), NOW + 10 * MINUTE);
    expect(second).toMatchObject({
      state: 'rolling-back',
      counts: { 'revert-unconfirmed': 10, reverting: 10, proven: 20 },
    });
    const late = [2, 3, 4].reduce((rollout, n) => decided(rollout, world(), NOW + n * 10 * MINUTE), second);
    expect(late).toMatchObject({ state: 'rolled-back-partial', counts: { 'revert-unconfirmed': 40 } });
    expect(late.targets.get('a3')?.message).toBe('not confirmed in time');
  });

  test('one that confirms after all is taken off the list; another failure changes nothing', () => {
    const listed = after(two(), observe('a', 'revert-unconfirmed', 'agent-failed', 'no'));
    expect(after(listed, observe('a', 'failed', 'agent-failed')).targets.get('a')?.state).toBe('revert-unconfirmed');
    expect(after(listed, observe('a', 'reverted')).targets.get('a')?.state).toBe('reverted');
  });

  test('our own downtime is not counted (I10)', () => {
    const upSince = NOW + 60 * MINUTE;
    const rollout = two();
    expect(decided(rollout, world([], { upSince }), upSince + 9 * MINUTE)).toBe(rollout);
    expect(decided(rollout, world([], { upSince, isReturning: () => true }), upSince + 11 * MINUTE)).toBe(rollout);
    expect(decided(rollout, world([], { upSince }), upSince + 10 * MINUTE).state).toBe('rolled-back-partial');
  });

  test('at once, when nobody had it', () => {
    expect(decided(back(started()), world(), NOW).state).toBe('rolled-back');
  });

  test('a deadline for those who were ordered last', () => {
    const rollout = step(back(after(started(AT_ONCE), ...proving('a'))), ordered('a'), NOW + 5 * MINUTE);
    expect(rollout.rollback?.deadline).toBe(NOW + 15 * MINUTE);
  });
});

describe('who failed while the others go on (A.4)', () => {
  const failedBy = (reason: FailureReason, id = 'f'): Agent => {
    const one = assigned(entry('failed', { failure: { reason, message: 'words', at: T0 } }));
    return { ...one, identity: agent(id).identity, assignment: { ...one.assignment, proven: [A] } };
  };
  const goingOn = (reason: FailureReason = 'unhealthy') =>
    after(canaryPassed({ maxFailed: 3 }), admitted('f'), observe('f', 'failed', reason, 'words'));
  const next = (rollout: Rollout, ...agents: Agent[]) => decide(rollout, world(agents), NOW);

  test.each(FAILURE_REASONS.filter((one) => meaningOf({ reason: one, message: '', at: T0 }) !== 'silence'))(
    'by %s goes back to its own last good revision at once',
    (reason) =>
      expect(next(goingOn(), failedBy(reason))).toEqual({
        type: 'reverting',
        agents: [{ agent: 'f', to: A, reason: null }],
      }),
  );

  test.each(['lost-contact', 'apply-timeout', 'never-acknowledged', 'identity-conflict'] as const)(
    'by %s said nothing yet: what it says when it is heard again counts',
    (reason) => expect(next(goingOn(reason), failedBy(reason))?.type).not.toBe('reverting'),
  );

  test('as many in a turn as there is room for', () => {
    const two = after(goingOn(), admitted('g'), observe('g', 'failed', 'unhealthy'));
    const agents = [failedBy('unhealthy'), failedBy('unhealthy', 'g')];
    expect(decide(two, world(agents, { room: 1 }), NOW)).toMatchObject({ agents: [{ agent: 'f' }] });
  });

  test('of what another brought since is not its business', () => {
    const since = failedBy('unhealthy');
    const other = { ...since, ledger: entry('failed', { ...since.ledger, source: { kind: 'pin' } }) };
    expect(next(goingOn(), other)?.type).not.toBe('reverting');
  });

  test('that was proven and fell ill goes back; one that was silent and proved it late stays', () => {
    const late = (reason: FailureReason) =>
      after(canaryPassed({ maxFailed: 3 }), ...proving('f'), observe('f', 'failed', reason));
    expect(next(late('late-regression'), holder('f'))?.type).toBe('reverting');
    expect(next(late('lost-contact'), holder('f'))?.type).not.toBe('reverting');
  });

  test('with nothing to go back to stays as it is', () => {
    const bare = failedBy('unhealthy');
    const event = next(goingOn(), { ...bare, assignment: { ...bare.assignment, proven: [] } });
    expect(event?.type).not.toBe('reverting');
  });

  test('stays while a person decides, and goes back once the rollout goes on', () => {
    const waiting = after(goingOn(), { type: 'paused', reason: 'operator', message: '' });
    expect(next(waiting, failedBy('unhealthy'))).toBeUndefined();
    expect(next(after(waiting, { type: 'resumed' }), failedBy('unhealthy'))?.type).toBe('reverting');
  });

  test('counts as failed all the same, against the threshold and in what was spent', () => {
    const back = after(goingOn(), ordered('f'), observe('f', 'reverted'));
    expect(back.targets.get('f')).toMatchObject({ state: 'reverted', reason: 'unhealthy', message: 'words' });
    expect(back.spent.failed).toBe(1);
    expect(failedSoFar(back)).toBe(1);
    expect(decide(back, around(), NOW)).toMatchObject({ type: 'paused', reason: 'nothing-proven' });
  });

  test('is given up when it does not confirm in time; the bake waits until then, and no longer (I16)', () => {
    const baking = after(started({ ...AT_ONCE, maxFailed: 3 }), ...proving('a'), failing('a'), ...proving('b'));
    const behind = after(baking, soaking, advanced, ordered('a'));
    expect(behind.state).toBe('baking');
    const later = NOW + behind.strategy.revertTimeout;
    expect(decide(behind, world(), later - 1)).toBeUndefined();
    const event = decide(behind, world(), later);
    expect(event).toMatchObject({ changes: [{ agent: 'a', state: 'revert-unconfirmed' }] });
    expect(decided(behind, world(), later).state).toBe('succeeded');
  });

  test('is asked once more by a person when it is back (I5)', () => {
    const back = after(goingOn(), ordered('f'));
    expect(() => eventOf(back, { verb: 'retry', agents: ['f'] })).toThrow('has not failed');
    const event = eventOf(after(back, observe('f', 'reverted')), { verb: 'retry', agents: ['f'] });
    expect(event).toEqual({ type: 'retried', agents: ['f'] });
  });
});
