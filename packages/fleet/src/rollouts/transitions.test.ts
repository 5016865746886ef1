import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { A, agent, assigned, B, C, entry, presence, ROLLOUT, T0, without } from '../../test/samples.ts';
import { admissible, planRollout } from './plan.ts';
import {
  freeOwnSlots,
  freeSlots,
  inFlight,
  type Observation,
  type Rollout,
  type RolloutEvent,
  type RolloutHeader,
  type RolloutState,
  TARGET_STATES,
  type TargetState,
  TERMINAL,
} from './rollout.ts';
import { strategyNamed, withOverrides } from './strategy.ts';
import { fold, step, TRANSITIONS } from './transitions.ts';

const NOW = T0 + 1_000;

function header(over: Partial<RolloutHeader> = {}): RolloutHeader {
  return {
    id: 'r-1',
    group: 'edge',
    target: B,
    from: A,
    strategy: strategyNamed('all-at-once'),
    planned: 10,
    maxInFlight: 3,
    maxFailed: 1,
    author: 'ada',
    message: 'second exporter',
    supersedes: null,
    carried: [],
    skipped: [],
    ...over,
  };
}

const started = (over: Partial<RolloutHeader> = {}): Rollout =>
  step(null, { type: 'started', header: header(over) }, T0);
const admitted = (...agents: string[]): RolloutEvent => ({
  type: 'admitted',
  agents: agents.map((agent) => ({ agent, late: false })),
});
const observe = (
  agent: string,
  state: Observation['state'],
  reason: Observation['reason'] = null,
  message = '',
): RolloutEvent => ({
  type: 'observed',
  changes: [{ agent, state, reason, message }],
});
const failing = (agent: string): RolloutEvent => observe(agent, 'failed', 'agent-failed', 'exit code 1');
const exhausted = (...deferred: string[]): RolloutEvent => ({ type: 'exhausted', deferred });
const superseded: RolloutEvent = { type: 'superseded', by: 'r-2' };

const after = (from: Rollout, ...events: RolloutEvent[]): Rollout =>
  events.reduce((rollout, event) => step(rollout, event, NOW), from);
const stateOf = (rollout: Rollout, agent: string): TargetState | undefined => rollout.targets.get(agent)?.state;

/** A rollout in each state, with a target of each kind. */
const IN: Readonly<Record<RolloutState, () => Rollout>> = {
  running: () => after(started(), admitted('a', 'b'), observe('a', 'proven')),
  paused: () => after(started({ maxFailed: 0 }), admitted('a', 'b'), failing('a')),
  succeeded: () => after(started(), admitted('a'), observe('a', 'proven'), exhausted()),
  superseded: () => after(started(), admitted('a'), superseded),
};

type EventType = Exclude<RolloutEvent['type'], 'started'>;
const EVENTS: Readonly<Record<EventType, RolloutEvent>> = {
  admitted: admitted('z'),
  observed: observe('b', 'failed', 'agent-failed', 'x'),
  exhausted: exhausted('y'),
  superseded,
};

/** What each event does in each state: the next state and a target's, or that it cannot happen. */
type Cell = 'cannot happen' | { readonly state: RolloutState; readonly target?: TargetState };
const CELLS: Readonly<Record<RolloutState, Readonly<Record<EventType, Cell>>>> = {
  running: {
    admitted: { state: 'running', target: 'offered' },
    observed: { state: 'running', target: 'failed' },
    exhausted: { state: 'running' },
    superseded: { state: 'superseded' },
  },
  paused: {
    admitted: 'cannot happen',
    observed: { state: 'paused', target: 'failed' },
    exhausted: { state: 'paused' },
    superseded: { state: 'superseded' },
  },
  succeeded: {
    admitted: 'cannot happen',
    observed: { state: 'succeeded' },
    exhausted: { state: 'succeeded' },
    superseded: 'cannot happen',
  },
  superseded: {
    admitted: 'cannot happen',
    observed: { state: 'superseded' },
    exhausted: { state: 'superseded' },
    superseded: 'cannot happen',
  },
};

describe('TRANSITIONS, every cell', () => {
  const cells = (Object.keys(CELLS) as RolloutState[]).flatMap((state) =>
    (Object.keys(CELLS[state]) as EventType[]).map((type) => [state, type, CELLS[state][type]] as const),
  );

  test('the table has these states and events, and no others', () => {
    expect(Object.keys(TRANSITIONS)).toEqual(Object.keys(CELLS));
    for (const row of Object.values(TRANSITIONS)) expect(Object.keys(row)).toEqual(Object.keys(EVENTS));
  });

  test.each(cells)('%s, %s', (state, type, cell) => {
    const before = IN[state]();
    expect(before.state).toBe(state);
    const event = EVENTS[type];
    if (cell === 'cannot happen') {
      expect(() => step(before, event, NOW)).toThrow(`rollout r-1 is ${state}: ${type} cannot happen`);
      return;
    }
    const rollout = step(before, event, NOW);
    expect(rollout.state).toBe(cell.state);
    expect(rollout.version).toBe(before.version + 1);
    if (cell.target !== undefined) expect(stateOf(rollout, type === 'admitted' ? 'z' : 'b')).toBe(cell.target);
    expect(IN[state]()).toEqual(before);
  });

  test.each(['running', 'paused', 'succeeded', 'superseded'] as const)('%s cannot be started again', (state) => {
    expect(() => step(IN[state](), { type: 'started', header: header() }, NOW)).toThrow('started cannot happen');
  });

  test('nothing happens before the start', () => {
    expect(() => step(null, admitted('a'), NOW)).toThrow('admitted before the start');
  });

  test('terminal states are those that nothing leaves', () => {
    expect([...TERMINAL].sort()).toEqual(['succeeded', 'superseded']);
  });
});

describe('started', () => {
  test('freezes what it will be judged by and announces itself', () => {
    const rollout = step(
      null,
      {
        type: 'started',
        header: header({ skipped: [{ agent: 's', state: 'skipped', reason: 'pinned', message: '' }] }),
      },
      T0,
    );
    expect(rollout).toMatchObject({
      state: 'running',
      planned: 10,
      maxInFlight: 3,
      maxFailed: 1,
      createdAt: T0,
      endedAt: null,
      version: 1,
      pause: null,
    });
    expect(rollout.targets.get('s')).toMatchObject({ state: 'skipped', reason: 'pinned', late: false });
    expect(rollout.counts.skipped).toBe(1);
  });
});

describe('admitted (I1, I6)', () => {
  test('makes targets of exactly those', () => {
    expect([...after(started(), admitted('a', 'b')).targets.values()]).toMatchObject([
      { agent: 'a', state: 'offered' },
      { agent: 'b', state: 'offered' },
    ]);
  });

  test('never more than the bound, all open phases counted', () => {
    const two = after(started(), admitted('a', 'b'));
    for (const state of ['sent', 'applying', 'verifying'] as const) {
      const open = after(two, observe('a', state));
      expect(inFlight(open)).toBe(2);
      expect(freeSlots(open)).toBe(1);
      expect(() => step(open, admitted('c', 'd'), NOW)).toThrow('2 admissions exceed maxInFlight 3 (I1)');
      expect(after(open, admitted('c')).counts.offered).toBe(2);
    }
  });

  test.each(['proven', 'failed', 'skipped', 'deferred'] as const)('%s frees its place', (state) => {
    const full = after(started({ maxFailed: 5 }), admitted('a', 'b', 'c'));
    expect(freeSlots(full)).toBe(0);
    expect(freeSlots(after(full, observe('a', state)))).toBe(1);
  });

  test('late ones stand in the same bound and are marked (I6)', () => {
    const event: RolloutEvent = { type: 'admitted', agents: [{ agent: 'l', late: true }] };
    const rollout = after(started(), event, observe('l', 'sent'));
    expect(rollout.targets.get('l')).toMatchObject({ late: true, state: 'sent' });
    expect(freeSlots(rollout)).toBe(2);
  });

  test('an agent that never got the offer may come again, and one that was skipped', () => {
    const deferred = after(started(), admitted('a'), observe('a', 'deferred', 'offline'));
    expect(stateOf(after(deferred, admitted('a')), 'a')).toBe('offered');
    const skipped = started({ skipped: [{ agent: 'a', state: 'skipped', reason: 'pinned', message: '' }] });
    const rollout = after(skipped, admitted('a'));
    expect(rollout.counts).toMatchObject({ skipped: 0, offered: 1 });
  });

  test.each(['sent', 'proven', 'failed'] as const)('one that is %s is not admitted again', (state) => {
    const rollout = after(started({ maxFailed: 5 }), admitted('a'), observe('a', state));
    expect(() => step(rollout, admitted('a'), NOW)).toThrow('agent a was admitted before');
  });

  test('nobody is named twice', () => {
    expect(() => step(started(), admitted('a', 'a'), NOW)).toThrow('named twice');
  });

  test('a full, paused or ended rollout has no place', () => {
    expect(freeSlots(IN.paused())).toBe(0);
    expect(freeSlots(IN.succeeded())).toBe(0);
    expect(freeSlots(IN.superseded())).toBe(0);
  });
});

describe('observed', () => {
  test('keeps the words of the agent', () => {
    const rollout = after(started(), admitted('a'), failing('a'));
    expect(rollout.targets.get('a')).toMatchObject({
      state: 'failed',
      reason: 'agent-failed',
      message: 'exit code 1',
      at: NOW,
    });
  });

  test('a failure stands, whatever comes later (I4)', () => {
    for (const state of ['proven', 'sent', 'skipped', 'deferred'] as const) {
      const rollout = after(started(), admitted('a'), failing('a'), observe('a', state));
      expect(stateOf(rollout, 'a')).toBe('failed');
      expect(rollout.counts).toMatchObject({ failed: 1, [state]: 0 });
    }
  });

  test('what was proven can only fail: a re-send after lost state takes no place (I1)', () => {
    const proven = after(started({ maxInFlight: 1 }), admitted('a'), observe('a', 'proven'));
    const full = after(proven, admitted('b'), observe('a', 'sent'));
    expect(stateOf(full, 'a')).toBe('proven');
    expect(inFlight(full)).toBe(1);
    const late = after(full, failing('a'));
    expect(late.counts).toMatchObject({ proven: 0, failed: 1 });
  });

  test.each(['deferred', 'skipped'] as const)('who was %s takes a place by admission alone (I1)', (left) => {
    const away = after(started({ maxInFlight: 1 }), admitted('a'), observe('a', left), admitted('b'));
    for (const state of ['sent', 'applying', 'verifying'] as const) {
      const rollout = after(away, observe('a', state));
      expect(stateOf(rollout, 'a')).toBe(left);
      expect(inFlight(rollout)).toBe(1);
    }
    expect(stateOf(after(away, failing('a')), 'a')).toBe(left);
  });

  test('of agents that are no targets nothing is said', () => {
    const rollout = after(started(), observe('stranger', 'proven'));
    expect(rollout.targets.size).toBe(0);
  });

  test('pauses when more failed than allowed, and not before (I4)', () => {
    const one = after(started(), admitted('a', 'b', 'c'), failing('a'));
    expect(one.state).toBe('running');
    const two = after(one, failing('b'));
    expect(two).toMatchObject({
      state: 'paused',
      endedAt: null,
      pause: { reason: 'failures', message: '2 of 10 agents failed; 1 were allowed' },
    });
  });

  test('failures are counted over the whole rollout, not among those in flight (I4)', () => {
    let rollout = after(started(), admitted('a'), failing('a'));
    for (const id of ['b', 'c', 'd', 'e']) rollout = after(rollout, admitted(id), observe(id, 'proven'));
    expect(after(rollout, admitted('f'), failing('f')).state).toBe('paused');
  });

  test('paused, those in flight may finish', () => {
    const rollout = after(IN.paused(), observe('b', 'proven'));
    expect(rollout).toMatchObject({ state: 'paused', counts: { proven: 1, failed: 1 } });
  });
});

describe('exhausted (I11)', () => {
  test('proof of everybody who could be reached is success', () => {
    const rollout = after(started(), admitted('a'), observe('a', 'proven'), exhausted('off'));
    expect(rollout).toMatchObject({ state: 'succeeded', endedAt: NOW });
    expect(rollout.targets.get('off')).toMatchObject({ state: 'deferred', reason: 'offline' });
  });

  test('not while somebody is in flight', () => {
    const rollout = after(started(), admitted('a', 'b'), observe('a', 'proven'), exhausted());
    expect(rollout.state).toBe('running');
  });

  test('a tolerated failure does not keep it from success', () => {
    const rollout = after(started(), admitted('a', 'b'), observe('a', 'proven'), failing('b'), exhausted());
    expect(rollout).toMatchObject({ state: 'succeeded', counts: { proven: 1, failed: 1 } });
  });

  test('nothing proven and something failed: pause', () => {
    const rollout = after(started(), admitted('a'), failing('a'), exhausted());
    expect(rollout).toMatchObject({
      state: 'paused',
      pause: { reason: 'nothing-proven', message: 'no agent is proven, 1 failed' },
    });
  });

  test('all planned agents offline: it keeps running and waits', () => {
    const rollout = after(started(), exhausted('a', 'b'));
    expect(rollout).toMatchObject({ state: 'running', counts: { deferred: 0 } });
    expect(after(rollout, admitted('a'), observe('a', 'proven'), exhausted('b')).state).toBe('succeeded');
  });

  test('nobody planned at all: the group takes the revision for those to come', () => {
    const rollout = after(started({ planned: 0 }), exhausted());
    expect(rollout.state).toBe('succeeded');
  });

  test('nobody planned because all refused it: that is no success (I11)', () => {
    const skipped = ['a', 'b'].map(
      (agent) => ({ agent, state: 'skipped', reason: 'refused-before', message: '' }) as const,
    );
    const rollout = after(started({ planned: 0, skipped }), exhausted());
    expect(rollout).toMatchObject({ state: 'paused', pause: { reason: 'nothing-proven' } });
  });

  test('only those without an outcome are deferred', () => {
    const rollout = after(
      started(),
      admitted('a', 'b'),
      observe('a', 'proven'),
      failing('b'),
      exhausted('a', 'b', 'c'),
    );
    expect(rollout.counts).toMatchObject({ proven: 1, failed: 1, deferred: 1 });
  });
});

describe('superseding (I12)', () => {
  const carrying = (): Rollout =>
    started({ id: 'r-2', target: C, supersedes: 'r-1', maxInFlight: 2, carried: ['x', 'y'] });

  test('the old one names its successor and takes nothing more', () => {
    const rollout = after(started(), admitted('a'), superseded);
    expect(rollout).toMatchObject({ state: 'superseded', supersededBy: 'r-2', endedAt: NOW });
  });

  test('agents in flight of the old one count in the new one (I1)', () => {
    expect(inFlight(carrying())).toBe(2);
    expect(freeSlots(carrying())).toBe(0);
    expect(() => step(carrying(), admitted('new'), NOW)).toThrow('(I1)');
  });

  test('admitting one of them replaces it', () => {
    const rollout = after(carrying(), admitted('x'));
    expect(rollout.carried).toEqual(new Set(['y']));
    expect(inFlight(rollout)).toBe(2);
    expect(() => step(rollout, admitted('new'), NOW)).toThrow('(I1)');
  });

  test.each(['proven', 'failed', 'skipped'] as const)(
    'one that is %s under the old one frees its place, and counts as nothing here',
    (state) => {
      const rollout = after(carrying(), observe('x', state, state === 'failed' ? 'agent-failed' : null));
      expect(rollout.carried).toEqual(new Set(['y']));
      expect(rollout.counts).toMatchObject({ proven: 0, failed: 0, skipped: 0 });
      expect(freeSlots(rollout)).toBe(1);
    },
  );

  test('one that is skipped here keeps its place until it has an outcome there (I1)', () => {
    const refused = { agent: 'x', state: 'skipped', reason: 'refused-before', message: '' } as const;
    const skipping = started({ target: C, supersedes: 'r-1', maxInFlight: 1, carried: ['x'], skipped: [refused] });
    expect(freeSlots(skipping)).toBe(0);
    expect(freeSlots(after(skipping, observe('x', 'verifying')))).toBe(0);
    const rollout = after(skipping, failing('x'));
    expect(freeSlots(rollout)).toBe(1);
    expect(rollout.counts).toMatchObject({ failed: 0, skipped: 1 });
    expect(after(rollout, failing('x')).counts).toMatchObject({ failed: 0, skipped: 1 });
  });

  test('one that is still at it does not', () => {
    expect(after(carrying(), observe('x', 'verifying')).carried.size).toBe(2);
  });

  test('more carried than the bound allows: they one after the other, nobody new until they are fewer', () => {
    const crowded = started({ maxInFlight: 1, carried: ['x', 'y', 'z'] });
    expect(freeSlots(crowded)).toBe(0);
    expect(() => step(crowded, admitted('x', 'y'), NOW)).toThrow('(I1)');
    const one = after(crowded, admitted('x'));
    expect([inFlight(one), freeOwnSlots(one)]).toEqual([3, 0]);
    expect(() => step(one, admitted('y'), NOW)).toThrow('(I1)');
    const rollout = after(one, observe('x', 'proven'));
    expect(() => step(rollout, admitted('n'), NOW)).toThrow('(I1)');
    expect(after(rollout, admitted('y')).counts).toMatchObject({ offered: 1, proven: 1 });
  });

  test('it does not finish while they are open', () => {
    const rollout = after(carrying(), admitted('x'), observe('x', 'proven'), exhausted());
    expect(rollout.state).toBe('running');
  });
});

/** Random but possible histories: each choice is made from what the rollout allows at that point. */
const choices = fc.array(fc.tuple(fc.nat({ max: 6 }), fc.nat({ max: 19 }), fc.nat()), { maxLength: 80 });
const headers = fc.record({
  planned: fc.nat({ max: 20 }),
  maxInFlight: fc.integer({ min: 1, max: 6 }),
  maxFailed: fc.nat({ max: 4 }),
  carried: fc.uniqueArray(
    fc.nat({ max: 19 }).map((n) => `a${n}`),
    { maxLength: 4 },
  ),
  skipped: fc.uniqueArray(
    fc
      .nat({ max: 19 })
      .map((n) => ({ agent: `a${n}`, state: 'skipped', reason: 'refused-before', message: '' }) as const),
    { maxLength: 4, selector: ({ agent }) => agent },
  ),
});
const OBSERVABLE = TARGET_STATES.filter((state): state is Observation['state'] => state !== 'offered');

function possible(rollout: Rollout, [kind, who, pick]: [number, number, number]): RolloutEvent | null {
  const name = `a${who}`;
  const before = stateOf(rollout, name);
  const isFree = before === undefined || before === 'deferred' || before === 'skipped';
  if (kind <= 2) {
    const fits = freeOwnSlots(rollout) > 0 && (freeSlots(rollout) > 0 || rollout.carried.has(name));
    return rollout.state === 'running' && isFree && fits ? admitted(name) : null;
  }
  if (kind <= 4) {
    const state = OBSERVABLE[pick % OBSERVABLE.length] ?? 'sent';
    return observe(name, state, state === 'failed' ? 'agent-failed' : null, `words ${pick}`);
  }
  if (kind === 5) return exhausted(...(isFree ? [name] : []));
  return pick % 10 === 0 && !TERMINAL.has(rollout.state) ? superseded : null;
}

describe('properties over random histories', () => {
  const RUNS = { numRuns: 2_000 };

  function history(
    over: Partial<RolloutHeader>,
    picks: [number, number, number][],
    check: (before: Rollout, after: Rollout, event: RolloutEvent) => void,
  ) {
    const first: RolloutEvent = { type: 'started', header: header(over) };
    const log: { event: RolloutEvent; at: number }[] = [{ event: first, at: T0 }];
    let rollout = step(null, first, T0);
    for (const [index, pick] of picks.entries()) {
      const event = possible(rollout, pick);
      if (event === null) continue;
      const next = step(rollout, event, T0 + index);
      check(rollout, next, event);
      log.push({ event, at: T0 + index });
      rollout = next;
    }
    return { rollout, log };
  }

  test('in flight never grows over the bound (I1), and failures never shrink (I4)', () => {
    fc.assert(
      fc.property(headers, choices, (over, picks) => {
        history(over, picks, (before, next) => {
          expect(inFlight(next)).toBeLessThanOrEqual(Math.max(before.maxInFlight, inFlight(before)));
          expect(next.counts.failed).toBeGreaterThanOrEqual(before.counts.failed);
          expect([next.planned, next.maxInFlight, next.maxFailed]).toEqual([
            before.planned,
            before.maxInFlight,
            before.maxFailed,
          ]);
        });
      }),
      RUNS,
    );
  });

  test('the counts are those of the targets', () => {
    fc.assert(
      fc.property(headers, choices, (over, picks) => {
        history(over, picks, (_, { counts, targets }) => {
          for (const state of TARGET_STATES) {
            const counted = [...targets.values()].filter((target) => target.state === state).length;
            if (counts[state] !== counted) throw new Error(`${state}: ${counts[state]} told, ${counted} there`);
          }
        });
      }),
      RUNS,
    );
  });

  test('running and over the failure bound is never seen; success has proof or nobody planned (I11)', () => {
    fc.assert(
      fc.property(headers, choices, (over, picks) => {
        history(over, picks, (_, next) => {
          if (next.state === 'running') expect(next.counts.failed).toBeLessThanOrEqual(next.maxFailed);
          if (next.state === 'succeeded')
            expect(next.counts.proven > 0 || (next.planned === 0 && next.counts.failed === 0)).toBe(true);
          if (TERMINAL.has(next.state)) expect(next.endedAt).not.toBeNull();
        });
      }),
      RUNS,
    );
  });

  test('folding the log, read back from JSON, gives the live rollout (I15)', () => {
    fc.assert(
      fc.property(headers, choices, (over, picks) => {
        const { rollout, log } = history(over, picks, () => {});
        expect(fold(JSON.parse(JSON.stringify(log)))).toEqual(rollout);
        expect(rollout.version).toBe(log.length);
      }),
      RUNS,
    );
  });

  test('an observation folded twice changes no target the second time', () => {
    fc.assert(
      fc.property(headers, choices, (over, picks) => {
        history(over, picks, (_, next, event) => {
          if (event.type !== 'observed' || TERMINAL.has(next.state)) return;
          const twice = step(next, event, T0 + 999);
          expect([twice.counts, twice.state, twice.carried]).toEqual([next.counts, next.state, next.carried]);
        });
      }),
      RUNS,
    );
  });

  test('no log, no rollout', () => expect(fold([])).toBeNull());
});

describe('planRollout', () => {
  const strategy = withOverrides(strategyNamed('all-at-once'), {
    maxInFlight: { percent: 25 },
    maxFailed: { percent: 20 },
  });
  const request = {
    id: 'r-2',
    group: 'edge',
    target: B,
    from: A,
    strategy,
    author: 'ada',
    message: '',
    supersedes: null,
  };

  test('denominators are those who can be targets, frozen (I4)', () => {
    const members = [
      ...Array.from({ length: 10 }, (_, n) => agent(`ok-${n}`)),
      agent('none', { capabilities: without('AcceptsRemoteConfig') }),
      agent('mute', { capabilities: without('ReportsRemoteConfig', 'ReportsEffectiveConfig') }),
      agent('shows', { capabilities: without('ReportsRemoteConfig') }),
      agent('pinned', {
        pin: { configuration: 'edge', revision: 1, reason: '', author: '', at: 0, expires: null },
      }),
      agent('waits', { admission: 'awaiting-approval' }),
      { ...assigned(entry('failed')), identity: agent('refused').identity },
    ];
    const planned = planRollout(request, members);
    expect(planned).toMatchObject({ planned: 11, maxInFlight: 3, maxFailed: 2, carried: [] });
    expect(planned.skipped.map(({ agent, reason }) => [agent, reason])).toEqual([
      ['none', 'no-remote-config'],
      ['mute', 'unverifiable'],
      ['pinned', 'pinned'],
      ['waits', 'not-admitted'],
      ['refused', 'refused-before'],
    ]);
  });

  test('superseding carries whoever is in flight of any rollout, however old (I1)', () => {
    const inFlightOf = (id: string, rollout: string, phase: 'sent' | 'verifying' | 'proven' | 'failed') => ({
      ...assigned(entry(phase, { source: { kind: 'rollout', rollout } })),
      identity: agent(id).identity,
    });
    const members = [
      inFlightOf('last', 'r-1', 'sent'),
      inFlightOf('older', 'r-0', 'verifying'),
      inFlightOf('proven', 'r-1', 'proven'),
      inFlightOf('failed', 'r-1', 'failed'),
      { ...assigned(entry('sent', { source: { kind: 'pin' } })), identity: agent('pin').identity },
      agent('idle'),
    ];
    expect(planRollout({ ...request, supersedes: 'r-1' }, members).carried).toEqual(['last', 'older']);
    expect(planRollout(request, members).carried).toEqual([]);
  });

  test('an empty group plans nobody and still has a place for one', () => {
    expect(planRollout(request, [])).toMatchObject({ planned: 0, maxInFlight: 1, maxFailed: 0 });
  });

  test('the header stands in the log as JSON and comes back the same', () => {
    const planned = planRollout(request, [agent(), { ...assigned(entry('sent', { source: ROLLOUT })) }]);
    expect(JSON.parse(JSON.stringify(planned))).toEqual(planned);
  });
});

describe('whom to admit', () => {
  const rollout = step(null, { type: 'started', header: header({ carried: ['carried'] }) }, NOW);
  const waits = (id: string, over: Parameters<typeof agent>[1] = {}, where = presence()) => ({
    agent: agent(id, over),
    presence: where,
  });

  test('in their order, as many as may be in flight; who was carried over has a place', () => {
    const waiting = ['a', 'b', 'c', 'carried', 'd'].map((id) => waits(id));
    expect(admissible(rollout, waiting).map(({ agent }) => agent)).toEqual(['a', 'b', 'carried']);
    expect(admissible({ ...rollout, state: 'paused' }, waiting)).toEqual([]);
  });

  test('late is who came into the group after the start', () => {
    const waiting = [NOW, NOW + 1].map((since) => waits(`${since}`, { group: { name: 'edge', since } }));
    expect(admissible(rollout, waiting).map(({ late }) => late)).toEqual([false, true]);
  });

  test.each([
    ['is away', waits('a', {}, presence({ connected: false }))],
    ['is not known without gaps', waits('a', {}, presence({ synced: false }))],
    ['cannot be a target', waits('a', { admission: 'quarantined' })],
  ])('nobody who %s', (_, member) => expect(admissible(rollout, [member])).toEqual([]));
});
