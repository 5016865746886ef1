import { describe, expect, test } from 'vitest';
import {
  AT_ONCE,
  admitted,
  advanced,
  after,
  canaryPassed,
  failing,
  header,
  IN,
  losing,
  NOW,
  observe,
  ordered,
  paused,
  promoted,
  proving,
  resumed,
  rollbackStarted,
  soaking,
  started,
  superseded,
} from '../../test/rollouts.ts';
import { C, T0 } from '../../test/samples.ts';
import {
  freeOwnSlots,
  freeSlots,
  inFlight,
  ROLLOUT_STATES,
  type Rollout,
  type RolloutEvent,
  type RolloutState,
  TERMINAL,
} from './rollout.ts';
import { fold, step, TRANSITIONS } from './transitions.ts';

type EventType = Exclude<RolloutEvent['type'], 'started'>;
const EVENTS: Readonly<Record<EventType, RolloutEvent>> = {
  admitted: admitted('z'),
  observed: observe('b', 'failed', 'agent-failed', 'x'),
  soaking,
  advanced,
  paused: paused(),
  resumed,
  promoted,
  succeeded: { type: 'succeeded' },
  'rollback-started': rollbackStarted,
  reverting: ordered('a'),
  hurried: { type: 'hurried' },
  'rolled-back': { type: 'rolled-back' },
  stopped: { type: 'stopped', message: '' },
  retried: { type: 'retried', agents: [] },
  superseded,
};

/** What each event does in each state: the next state; all others cannot happen. Ended ones only look away. */
const NEXT: Readonly<Record<RolloutState, Partial<Record<EventType, RolloutState>>>> = {
  running: {
    admitted: 'running',
    observed: 'running',
    soaking: 'running',
    advanced: 'running',
    paused: 'paused',
    promoted: 'running',
    succeeded: 'succeeded',
    'rollback-started': 'rolling-back',
    stopped: 'stopped-mixed',
    retried: 'running',
    reverting: 'running',
    superseded: 'superseded',
  },
  paused: {
    paused: 'paused',
    observed: 'paused',
    resumed: 'running',
    promoted: 'running',
    'rollback-started': 'rolling-back',
    stopped: 'stopped-mixed',
    retried: 'paused',
    superseded: 'superseded',
  },
  baking: {
    observed: 'baking',
    paused: 'paused',
    promoted: 'baking',
    succeeded: 'succeeded',
    'rollback-started': 'rolling-back',
    stopped: 'stopped-mixed',
    retried: 'baking',
    reverting: 'baking',
    superseded: 'superseded',
  },
  'rolling-back': {
    observed: 'rolling-back',
    reverting: 'rolling-back',
    hurried: 'rolling-back',
    'rolled-back': 'rolled-back',
    superseded: 'superseded',
  },
  succeeded: { observed: 'succeeded' },
  'rolled-back': { observed: 'rolled-back' },
  'rolled-back-partial': { observed: 'rolled-back-partial' },
  'stopped-mixed': { observed: 'stopped-mixed' },
  cancelled: { observed: 'cancelled' },
  superseded: { observed: 'superseded' },
};

describe('TRANSITIONS, every cell', () => {
  test('the table has these states and events, and no others', () => {
    expect(Object.keys(TRANSITIONS)).toEqual(ROLLOUT_STATES);
    for (const row of Object.values(TRANSITIONS)) expect(Object.keys(row)).toEqual(Object.keys(EVENTS));
  });

  const cells = ROLLOUT_STATES.flatMap((state) => (Object.keys(EVENTS) as EventType[]).map((type) => [state, type]));

  test.each(cells as [RolloutState, EventType][])('%s, %s', (state, type) => {
    const before = IN[state]();
    expect(before.state).toBe(state);
    const next = NEXT[state][type];
    if (next === undefined) {
      expect(() => step(before, EVENTS[type], NOW)).toThrow(`rollout r-1 is ${state}: ${type} cannot happen`);
      return;
    }
    const rollout = step(before, EVENTS[type], NOW);
    expect(rollout.state).toBe(next);
    expect(rollout.version).toBe(before.version + 1);
    expect(rollout.endedAt === null).toBe(!TERMINAL.has(next));
    expect(IN[state]()).toEqual(before);
  });

  test('terminal states are those that nothing leaves', () => {
    for (const state of ROLLOUT_STATES) {
      const leads = Object.values(NEXT[state]).some((next) => next !== state);
      expect(TERMINAL.has(state)).toBe(!leads);
    }
  });

  test('it begins once, and with its start', () => {
    expect(() => step(IN.running(), { type: 'started', header: header() }, NOW)).toThrow('started cannot happen');
    expect(() => step(null, admitted('a'), NOW)).toThrow('admitted before the start');
    expect(fold([])).toBeNull();
  });
});

test('started freezes what it will be judged by, and skips whom the plan skips', () => {
  const rollout = started({ skipped: [{ agent: 's', state: 'skipped', reason: 'pinned', message: '' }] });
  expect(rollout).toMatchObject({ state: 'running', stage: 0, planned: 100, createdAt: T0, version: 1 });
  expect(rollout.targets.get('s')).toMatchObject({ state: 'skipped', reason: 'pinned', late: false });
});

describe('admitted (I1, I6)', () => {
  test('never more than the bound, all open phases counted', () => {
    const four = after(canaryPassed(), admitted('a', 'b', 'd', 'e'));
    for (const state of ['sent', 'applying', 'verifying'] as const) {
      const open = after(four, observe('a', state));
      expect([inFlight(open), freeSlots(open)]).toEqual([4, 1]);
      expect(() => step(open, admitted('x', 'y'), NOW)).toThrow('2 admissions exceed maxInFlight 5 (I1)');
      expect(after(open, admitted('x')).counts.offered).toBe(4);
    }
  });

  test('never more than three in the canary, whatever the bound (I2)', () => {
    const three = after(started({ maxInFlight: 50 }), admitted('c1', 'c2', 'c3'));
    expect(() => step(three, admitted('x'), NOW)).toThrow('maxInFlight 3 (I1)');
  });

  test('late ones stand in the same bound and are marked (I6)', () => {
    const late = { type: 'admitted', agents: [{ agent: 'l', late: true }] } as const;
    const rollout = after(canaryPassed(), late);
    expect(rollout.targets.get('l')).toMatchObject({ late: true, stage: 1, state: 'offered' });
    const full = after(rollout, admitted('a', 'b', 'd', 'e'));
    expect(() => step(full, { type: 'admitted', agents: [{ agent: 'm', late: true }] }, NOW)).toThrow('(I1)');
  });

  test.each(['offered', 'proven', 'failed'] as const)('nobody is admitted again who is %s', (state) => {
    const once = after(canaryPassed(), admitted('a'));
    const rollout =
      state === 'offered' ? once : after(once, observe('a', state, state === 'failed' ? 'unhealthy' : null));
    expect(() => step(rollout, admitted('a'), NOW)).toThrow('agent a was admitted before');
    expect(() => step(rollout, admitted('x', 'x'), NOW)).toThrow('agent named twice was admitted before');
  });

  test('who was never reached, or was skipped, may have its turn', () => {
    const back = after(canaryPassed(), admitted('a'), observe('a', 'deferred', 'offline'), admitted('a'));
    expect(back.targets.get('a')?.state).toBe('offered');
  });

  test('it breaks off the watch of a stage, which begins anew', () => {
    const rollout = step(after(started(), ...proving('c1'), soaking), admitted('c2'), NOW + 700_000);
    expect(rollout).toMatchObject({ watchedUntil: null, lastProgress: NOW + 700_000 });
  });
});

describe('observed (I4)', () => {
  test('a failure stands, whatever comes later (I4)', () => {
    const failed = after(canaryPassed(), admitted('a'), failing('a'));
    for (const state of ['proven', 'verifying', 'deferred', 'inconclusive'] as const)
      expect(after(failed, observe('a', state)).targets.get('a')?.state).toBe('failed');
    expect(failed.spent).toEqual({ failed: 1, unwell: 0, lost: 0 });
  });

  test('each budget has its own failures; those of health alone are known', () => {
    const rollout = after(
      canaryPassed(),
      admitted('a', 'b', 'd'),
      losing('a'),
      observe('b', 'failed', 'unhealthy'),
      failing('d'),
    );
    expect(rollout.spent).toEqual({ failed: 2, unwell: 1, lost: 1 });
  });

  test('what was proven can only fail; what could not be told may still be proven', () => {
    const rollout = after(canaryPassed(), ...proving('a'), admitted('b'), observe('b', 'inconclusive'));
    for (const state of ['sent', 'inconclusive', 'deferred', 'skipped'] as const)
      expect(after(rollout, observe('a', state)).targets.get('a')?.state).toBe('proven');
    expect(after(rollout, observe('a', 'failed', 'late-regression')).spent).toEqual({ failed: 1, unwell: 1, lost: 0 });
    expect(after(rollout, observe('b', 'proven')).targets.get('b')?.state).toBe('proven');
  });

  test('who was left for later or skipped comes back by admission alone (I1)', () => {
    const rollout = after(canaryPassed(), admitted('a'), observe('a', 'deferred', 'offline'), observe('a', 'sent'));
    expect(rollout.targets.get('a')?.state).toBe('deferred');
  });

  test('strangers are not counted', () => {
    expect(after(canaryPassed(), failing('stranger')).spent.failed).toBe(0);
  });

  test('taken back and admitted again is no progress; anything else is (I16)', () => {
    const before = canaryPassed();
    const undelivered = step(step(before, admitted('a'), NOW + 5), observe('a', 'deferred', 'offline'), NOW + 6);
    expect(undelivered.lastProgress).toBe(NOW + 5);
    expect(step(undelivered, admitted('a'), NOW + 7).lastProgress).toBe(NOW + 5);
    expect(step(step(before, admitted('a'), NOW + 5), observe('a', 'sent'), NOW + 6).lastProgress).toBe(NOW + 6);
  });
});

describe('superseding (I12)', () => {
  const carrying = (over = {}): Rollout =>
    started({ ...AT_ONCE, id: 'r-2', target: C, supersedes: 'r-1', maxInFlight: 2, carried: ['x', 'y'], ...over });

  test('agents in flight of the old one count in the new one (I1)', () => {
    expect([inFlight(carrying()), freeSlots(carrying())]).toEqual([2, 0]);
    expect(() => step(carrying(), admitted('new'), NOW)).toThrow('(I1)');
  });

  test('admitting one of them replaces it', () => {
    const rollout = after(carrying(), admitted('x'));
    expect(rollout.carried).toEqual(new Set(['y']));
    expect(inFlight(rollout)).toBe(2);
  });

  test.each(['proven', 'failed', 'skipped', 'deferred'] as const)(
    'one that is %s under the old one frees its place, and counts as nothing here',
    (state) => {
      const rollout = after(carrying(), observe('x', state, state === 'failed' ? 'agent-failed' : null));
      expect(rollout.carried).toEqual(new Set(['y']));
      expect(rollout.counts[state]).toBe(0);
      expect(rollout.spent.failed).toBe(0);
    },
  );

  test('one that is skipped here keeps its place until it has an outcome there (I1)', () => {
    const refused = { agent: 'x', state: 'skipped', reason: 'refused-before', message: '' } as const;
    const skipping = carrying({ maxInFlight: 1, carried: ['x'], skipped: [refused] });
    expect(freeSlots(after(skipping, observe('x', 'verifying')))).toBe(0);
    expect(freeSlots(after(skipping, failing('x')))).toBe(1);
  });

  test('more carried than the bound: they one after the other, nobody new until they are fewer', () => {
    const one = after(carrying({ maxInFlight: 1, carried: ['x', 'y', 'z'] }), admitted('x'));
    expect([inFlight(one), freeOwnSlots(one)]).toEqual([3, 0]);
    expect(() => step(one, admitted('y'), NOW)).toThrow('(I1)');
    const rollout = after(one, observe('x', 'proven'));
    expect(() => step(rollout, admitted('n'), NOW)).toThrow('(I1)');
    expect(after(rollout, admitted('y')).counts).toMatchObject({ offered: 1, proven: 1 });
  });
});
