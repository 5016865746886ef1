/** When a stage passes, and what holds it up (A.5, wave rule). */
import { describe, expect, test } from 'vitest';
import {
  AT_ONCE,
  admitted,
  after,
  around,
  canaryPassed,
  decided,
  failing,
  NOW,
  observe,
  paused,
  proving,
  resumed,
  soaking,
  started,
} from '../../test/rollouts.ts';
import { A, agent, assigned, B, entry, health, presence, reported } from '../../test/samples.ts';
import { decide } from './decide.ts';
import type { Placed } from './plan.ts';
import type { Rollout, RolloutHeader } from './rollout.ts';
import { strategyNamed, withOverrides } from './strategy.ts';
import { step } from './transitions.ts';

const MINUTE = 60_000;
const waits = (id: string, where: Partial<Placed['presence']> = {}): Placed => ({
  agent: agent(id),
  presence: presence(where),
});
const away = (...ids: string[]) => ids.map((id) => waits(id, { connected: false }));
const withWaiting = (waiting: Placed[], over = {}) => around({ waiting: () => waiting, ...over });

const canaryProven = (over: Partial<RolloutHeader> = {}): Rollout => after(started(over), ...proving('c1', 'c2', 'c3'));

describe('forward', () => {
  test('as many as may be in flight, in their order; the rest when there is room again', () => {
    const waiting = ['c1', 'c2', 'c3', 'c4'].map((id) => waits(id));
    const event = decide(started(), withWaiting(waiting), NOW);
    expect(event).toMatchObject({ type: 'admitted', agents: [{ agent: 'c1' }, { agent: 'c2' }, { agent: 'c3' }] });
    expect(decide(started(), withWaiting(waiting, { room: 2 }), NOW)).toMatchObject({ agents: { length: 2 } });
  });

  test('proof of the whole canary, then its soak, then the next stage', () => {
    const soaks = decided(canaryProven(), around(), NOW);
    expect(soaks).toMatchObject({ stage: 0, watchedUntil: NOW + 10 * MINUTE });
    expect(decided(soaks, around(), NOW + 10 * MINUTE - 1)).toBe(soaks);
    expect(decide(soaks, around(), NOW + 10 * MINUTE)).toEqual({ type: 'advanced' });
  });

  test('after the last stage everybody is watched, and then it has succeeded', () => {
    const bakes = decided(after(started(AT_ONCE), ...proving('a')), around(), NOW);
    expect(bakes.state).toBe('succeeded');
    const careful = after(canaryPassed(), ...proving('a'), soaking, { type: 'advanced' }, ...proving('b'), soaking);
    const baking = decided(careful, around(), NOW + 5 * MINUTE);
    expect(baking).toMatchObject({ state: 'baking', watchedUntil: NOW + 35 * MINUTE });
    expect(decided(baking, around(), NOW + 35 * MINUTE - 1).state).toBe('baking');
    expect(decided(baking, around(), NOW + 35 * MINUTE).state).toBe('succeeded');
  });

  test('who comes in a soak has its turn, and the soak begins anew', () => {
    const soaks = decided(canaryProven(), around(), NOW);
    const late = decided(soaks, withWaiting([waits('late')]), NOW + 9 * MINUTE);
    expect(late).toMatchObject({ watchedUntil: null, counts: { offered: 1 } });
    const again = decided(after(late, observe('late', 'proven')), around(), NOW + 9 * MINUTE);
    expect(again.watchedUntil).toBe(NOW + 19 * MINUTE);
  });

  test('somebody who comes at the end of a long soak does not find the progress deadline passed', () => {
    const soak = { canary: 60 * MINUTE, stage: 60 * MINUTE };
    const patient = canaryProven({ strategy: withOverrides(strategyNamed('careful'), { soak }) });
    const soaks = decided(patient, around(), NOW);
    expect(decided(soaks, withWaiting([waits('late')]), NOW + 59 * MINUTE).state).toBe('running');
  });

  test('nobody planned: the group takes the revision for those to come; not when all of them refused it (I11)', () => {
    const empty = { ...AT_ONCE, stages: [], planned: 0 };
    expect(decided(started(empty), around(), NOW).state).toBe('succeeded');
    const refused = { agent: 's', state: 'skipped', reason: 'refused-before', message: '' } as const;
    const none = decided(started({ ...empty, skipped: [refused] }), around(), NOW);
    expect(none).toMatchObject({ state: 'paused', pause: { reason: 'nothing-proven' } });
    expect(decided(after(none, resumed), around(), NOW).state).toBe('paused');
  });
});

describe('what holds a stage up', () => {
  test('an agent in flight, of this rollout or carried over', () => {
    expect(decided(after(canaryProven(), admitted('x')), around(), NOW).watchedUntil).toBeNull();
    expect(decided(canaryProven({ carried: ['y'] }), around(), NOW).watchedUntil).toBeNull();
  });

  test('nobody proven (I11), also when all that was told could mean anything', () => {
    const rollout = after(canaryPassed(), admitted('a'), observe('a', 'inconclusive'));
    expect(decide(rollout, around(), NOW)).toMatchObject({ type: 'paused', reason: 'nothing-proven' });
  });

  test('fewer proven than the threshold asks, of those with an outcome in this stage', () => {
    const unclear = (agents: string[]) => agents.flatMap((id) => [admitted(id), observe(id, 'inconclusive')]);
    const nineteen = after(canaryPassed(), ...proving(...Array.from({ length: 19 }, (_, n) => `a${n}`)));
    expect(decide(after(nineteen, ...unclear(['u1'])), around(), NOW)).toMatchObject({ type: 'soaking' });
    const two = after(nineteen, ...unclear(['u1', 'u2']));
    const held = decided(two, around(), NOW);
    expect(held.pause).toEqual({
      reason: 'threshold',
      message: 'stage 25%: 19 of 21 proven (0 failed, 2 could not be told); 95 % are asked',
    });
    expect(decided(after(held, resumed), around(), NOW).watchedUntil).not.toBeNull();
    expect(held.waived.threshold).toBeNull();
  });

  test('in the canary all must be proven', () => {
    const rollout = after(canaryProven(), admitted('c4'), observe('c4', 'inconclusive'));
    expect(decide(rollout, around(), NOW)).toMatchObject({ type: 'paused', reason: 'threshold' });
    const told = after(rollout, observe('c4', 'proven'));
    expect(decide(told, around(), NOW)).toMatchObject({ type: 'soaking' });
  });

  test('more away than may be left for later, counted once each; a resume lets this stage go on without them', () => {
    const proven = after(canaryPassed({ maxDeferred: 2 }), ...proving('a'));
    const three = withWaiting(away('x', 'y', 'z'));
    expect(decide(proven, withWaiting(away('x', 'y')), NOW)).toEqual({ type: 'soaking', deferred: ['x', 'y'] });
    const held = decided(proven, three, NOW);
    expect(held.pause).toMatchObject({
      reason: 'deferred',
      message: '3 agents could not be reached; 2 may be left for later',
    });
    const goesOn = decided(after(held, resumed), three, NOW);
    expect(goesOn).toMatchObject({ state: 'running', counts: { deferred: 3 } });
    const next = after(goesOn, { type: 'advanced' }, ...proving('b'));
    expect(decide(next, three, NOW)).toEqual({ type: 'soaking', deferred: [] });
    expect(decide(next, withWaiting(away('x', 'w')), NOW)).toMatchObject({ type: 'paused', reason: 'deferred' });
  });

  test('a stage whose agents are all away does not hold up one that has proof already', () => {
    const rollout = canaryPassed();
    expect(decide(rollout, withWaiting(away('x')), NOW)).toEqual({ type: 'soaking', deferred: ['x'] });
  });

  test('canaries that are all away are waited for, until the progress deadline (I16)', () => {
    const gone = withWaiting(away('c1', 'c2', 'c3'));
    expect(decide(started(), gone, NOW + 9 * MINUTE)).toBeUndefined();
    const held = decide(started(), gone, NOW + 10 * MINUTE);
    expect(held).toMatchObject({
      type: 'paused',
      reason: 'no-progress',
      message: 'stage canary has got no further for 600 s',
    });
  });

  test('canaries that are gone for good: somebody must decide', () => {
    expect(decide(started(), around(), NOW)).toMatchObject({ type: 'paused', reason: 'nothing-proven' });
  });
});

describe('who is there and not ready', () => {
  const busy: Placed = {
    agent: {
      ...assigned(entry('sent', { source: { kind: 'catch-up', group: 'edge' } })),
      identity: agent('x').identity,
    },
    presence: presence(),
  };
  const unknown = waits('y', { synced: false });

  test.each([
    ['busy with something else', busy],
    ['not known without gaps', unknown],
  ])('%s: waited for, but it does not hold up the others for ever (I16)', (_, member) => {
    const rollout = after(canaryPassed(), ...proving('a'));
    const world = withWaiting([member]);
    expect(decide(rollout, world, NOW + 9 * MINUTE)).toBeUndefined();
    expect(decide(rollout, world, NOW + 10 * MINUTE)).toMatchObject({ type: 'soaking' });
  });

  test('coming and going: as one that is away (A.7)', () => {
    const flaps = waits('x', { departures: [NOW - 2, NOW - 1, NOW] });
    const rollout = after(canaryPassed(), ...proving('a'));
    expect(decide(rollout, withWaiting([flaps]), NOW)).toEqual({ type: 'soaking', deferred: ['x'] });
    expect(decide(rollout, withWaiting([flaps]), NOW + 10 * MINUTE)).toMatchObject({ type: 'admitted' });
  });

  test('no room in the family is no standstill', () => {
    const world = withWaiting([waits('a')], { familyRoom: 0 });
    expect(decide(canaryPassed(), world, NOW + 60 * MINUTE)).toBeUndefined();
  });
});

describe('our own downtime (I10)', () => {
  const upSince = NOW + 60 * MINUTE;
  const returning = { upSince, isReturning: () => true };

  test('while agents come back nobody is away and nothing passes', () => {
    const unheard = waits('x', { connected: false, lastSeen: null });
    const rollout = after(canaryPassed(), ...proving('a'));
    expect(decide(rollout, withWaiting([unheard], returning), upSince)).toBeUndefined();
    const soaks = after(canaryProven(), soaking);
    expect(decide(soaks, around(returning), upSince)).toBeUndefined();
    expect(decide(soaks, around({ upSince }), upSince)).toEqual({ type: 'advanced' });
  });

  test('the progress deadline begins anew', () => {
    const rollout = after(canaryPassed(), admitted('a'), observe('a', 'sent'));
    expect(decide(rollout, around({ upSince }), upSince + 9 * MINUTE)).toBeUndefined();
    expect(decide(rollout, around({ upSince }), upSince + 10 * MINUTE)).toMatchObject({ reason: 'no-progress' });
  });
});

test('who has the revision although an older database never gave it to it counts as exposed, whatever the bound (I14)', () => {
  const holding = (id: string, over = {}): Placed => {
    const known = assigned(entry('proven', { revision: A }), { reported: reported(B, 'APPLIED', NOW) });
    return { agent: { ...known, identity: agent(id).identity }, presence: presence(over) };
  };
  const many = ['a', 'b', 'c', 'd'].map((id) => holding(id));
  const untouched = () => [...many, holding('e', { synced: false })];
  const travelled = after(started(), paused('time-travel'));
  const counted = decided(travelled, around({ untouched }), NOW);
  expect(counted).toMatchObject({ state: 'paused', counts: { offered: 4 } });
  expect(decide(after(started(), paused()), around({ untouched }), NOW)).toBeUndefined();
  expect(() => after(travelled, admitted('f'))).toThrow(RangeError);
});

describe('late regression (A.4)', () => {
  const proven = (where: Partial<Placed['presence']> = {}, unhealthySince: number | null = null): Placed => {
    const known = assigned(entry('proven', { unhealthySince }), { health: health(false, NOW, 'queue is full') });
    return { agent: { ...known, identity: agent('a').identity }, presence: presence(where) };
  };
  const rollout = after(canaryPassed({ maxFailed: 0 }), ...proving('a'));

  test('ill health of one that was proven is a failure that counts, while it bakes as well', () => {
    const world = around({ doubtful: () => [proven({}, NOW)] });
    expect(decide(rollout, world, NOW + 15_000)).not.toMatchObject({ type: 'observed' });
    const late = decided(rollout, world, NOW + 15_001);
    expect(late).toMatchObject({
      spent: { failed: 1, unwell: 1 },
      rollback: { message: '1 of 100 agents failed; 0 may' },
    });
    expect(decide(rollout, world, NOW + 15_001)).toEqual(observe('a', 'failed', 'late-regression', 'queue is full'));
    const bakes = after(started({ ...AT_ONCE, maxFailed: 0 }), ...proving('a'), soaking, { type: 'advanced' });
    expect(decided(bakes, world, NOW + 15_001).rollback).not.toBeNull();
  });

  test('at a gate the canary is still judged, by its own bounds', () => {
    const gated = after(started({ from: null }), ...proving('c1', 'c2', 'c3'), soaking, { type: 'advanced' });
    expect(gated.pause?.reason).toBe('gate');
    const ill = { ...proven({}, NOW), agent: { ...proven({}, NOW).agent, identity: agent('c1').identity } };
    const world = around({ doubtful: () => [ill] });
    expect(decided(gated, world, NOW + 15_000).pause?.reason).toBe('gate');
    const late = decided(gated, world, NOW + 15_001);
    expect(late).toMatchObject({ spent: { failed: 1 }, pause: { reason: 'no-rollback-target' } });
    const other = after(started({ strategy: { ...started().strategy, gates: [{ after: 'canary', type: 'manual' }] } }));
    const mayGoBack = after(other, ...proving('c1', 'c2', 'c3'), soaking, { type: 'advanced' });
    expect(decided(mayGoBack, world, NOW + 15_001).rollback?.message).toBe('1 of 100 agents failed; 0 may');
  });

  test('while a person has paused it, what regresses counts and nothing follows', () => {
    const halted = after(rollout, paused());
    const late = decided(halted, around({ doubtful: () => [proven({}, NOW)] }), NOW + 15_001);
    expect(late).toMatchObject({ state: 'paused', pause: { reason: 'operator' }, spent: { failed: 1 } });
  });

  test('nothing passes while more look worse than the budgets have left (I11)', () => {
    const soaks = after(started(), ...proving('a'), soaking);
    const end = soaks.watchedUntil ?? 0;
    const gone = [proven({ connected: false, disconnectedAt: end - 1 })];
    expect(decide(soaks, around({ doubtful: () => gone }), end)).toBeUndefined();
    const unsynced = [proven({ synced: false }, end - 1)];
    const doubted = around({ doubtful: () => unsynced });
    const stuck = decided(soaks, doubted, end + 10 * MINUTE);
    expect(stuck.pause?.reason).toBe('no-progress');
    const resumedAt = end + 30 * MINUTE;
    const again = step(stuck, { type: 'resumed' }, resumedAt);
    expect(decide(again, doubted, resumedAt + 10 * MINUTE - 1)).toBeUndefined();
    expect(decide(again, doubted, resumedAt + 10 * MINUTE)).toMatchObject({ reason: 'no-progress' });
    expect(decide(soaks, around(), end)).toEqual({ type: 'advanced' });
    const bakes = after(started({ ...AT_ONCE, maxFailed: 0, maxLost: 1 }), ...proving('a'), soaking, {
      type: 'advanced',
    });
    expect(decide(bakes, around({ doubtful: () => gone }), bakes.watchedUntil ?? 0)).toEqual({ type: 'succeeded' });
  });

  test('one that was proven and is gone is lost; after our own start it gets its time again (I10)', () => {
    const gone = around({ doubtful: () => [proven({ connected: false, disconnectedAt: NOW })] });
    expect(decided(rollout, gone, NOW + 120_000).spent.lost).toBe(0);
    expect(decided(rollout, gone, NOW + 120_001).spent.lost).toBe(1);
    const unheard = [proven({ connected: false, disconnectedAt: null, lastSeen: null })];
    const world = { doubtful: () => unheard, upSince: NOW + 60 * MINUTE };
    const late = NOW + 62 * MINUTE + 1;
    expect(decided(rollout, around({ ...world, isReturning: () => true }), late).spent.lost).toBe(0);
    expect(decided(rollout, around(world), late - 1).spent.lost).toBe(0);
    expect(decided(rollout, around(world), late).spent.lost).toBe(1);
  });

  test('what another rollout brought, or was not proven here, is not its business', () => {
    const other = { ...proven({}, NOW), agent: { ...proven({}, NOW).agent, identity: agent('z').identity } };
    expect(decided(rollout, around({ doubtful: () => [other] }), NOW + MINUTE).spent.failed).toBe(0);
    const failed = after(canaryPassed(), admitted('a'), failing('a'));
    expect(decided(failed, around({ doubtful: () => [proven({}, NOW)] }), NOW + MINUTE).spent.failed).toBe(1);
  });
});
