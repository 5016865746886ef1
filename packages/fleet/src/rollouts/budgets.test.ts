/** What a rollout bears, and what trips it (A.5, I2, I4). */
import { describe, expect, test } from 'vitest';
import {
  AT_ONCE,
  admitted,
  after,
  around,
  canaryPassed,
  decided,
  failing,
  losing,
  NOW,
  observe,
  ordered,
  paused,
  proving,
  resumed,
  soaking,
  started,
} from '../../test/rollouts.ts';
import { B } from '../../test/samples.ts';
import { decide } from './decide.ts';
import type { PauseReason, Rollout, RolloutEvent } from './rollout.ts';
import { strategyNamed, withOverrides } from './strategy.ts';

const tripped = (rollout: Rollout, over = {}) => decide(rollout, around(over), NOW);
const each = (agents: readonly string[], how: (agent: string) => RolloutEvent) =>
  agents.flatMap((agent) => [admitted(agent), how(agent)]);
const pausing = { strategy: withOverrides(strategyNamed('careful'), { onFailure: 'pause' }) };

describe('failures', () => {
  test('what fails while a stage is watched is judged at its end as well (A.5)', () => {
    const soaks = after(canaryPassed({ maxFailed: 9 }), ...proving('a', 'b'), soaking, failing('a'));
    expect(decide(soaks, around(), soaks.watchedUntil ?? 0)).toMatchObject({ type: 'paused', reason: 'threshold' });
  });

  test('one in the canary takes it back; met is not exceeded afterwards (I4)', () => {
    const canary = after(started(), ...each(['c1'], failing));
    expect(tripped(canary)).toEqual({ type: 'rollback-started', message: '1 of 100 agents failed; 0 may' });
    expect(tripped(after(canaryPassed(), ...each(['a'], failing)))).toMatchObject({ type: 'paused' });
    const two = after(canaryPassed(), ...proving('p'), ...each(['a', 'b'], failing));
    expect(tripped(two)).toEqual({ type: 'rollback-started', message: '2 of 100 agents failed; 1 may' });
  });

  test('are counted over all stages and pauses, not among those in flight (I4)', () => {
    const first = after(canaryPassed(), ...proving('p'), ...each(['a'], failing), paused());
    const later = after(first, resumed, soaking, { type: 'advanced' }, admitted('z'), failing('z'));
    expect(tripped(later)).toMatchObject({ type: 'rollback-started' });
    const meanwhile = after(canaryPassed(), admitted('a', 'b'), paused(), failing('a'), failing('b'));
    expect(tripped(meanwhile)).toBeUndefined();
    expect(tripped(after(meanwhile, resumed))).toMatchObject({ type: 'rollback-started' });
  });

  test('while it bakes', () => {
    const baking = after(started(AT_ONCE), ...proving('a', 'b'), soaking, { type: 'advanced' });
    const late = after(baking, observe('a', 'failed', 'late-regression'), observe('b', 'failed', 'agent-failed'));
    expect(tripped(late)).toMatchObject({ type: 'rollback-started' });
  });

  test('a strategy may ask a person; without an earlier revision, or one that is this one, it must (I9)', () => {
    const reason = (over: object) => tripped(after(started(over), ...each(['c1'], failing)));
    expect(reason(pausing)).toMatchObject({ type: 'paused', reason: 'failures' });
    expect(reason({ from: null })).toMatchObject({ type: 'paused', reason: 'no-rollback-target' });
    expect(reason({ from: B })).toMatchObject({ type: 'paused', reason: 'no-rollback-target' });
  });
});

describe('agents that vanish', () => {
  test('have failed in the canary', () => {
    expect(tripped(after(started(), ...each(['c1'], losing)))).toMatchObject({ type: 'rollback-started' });
  });

  test('have a budget of their own later, and pause', () => {
    const gone = after(canaryPassed(), ...proving('p'), ...each(['a', 'b'], losing));
    expect(gone.spent).toEqual({ failed: 0, unwell: 0, lost: 2 });
    expect(decided(gone, around(), NOW).pause?.reason).toBe('threshold');
    expect(tripped(after(gone, ...each(['d'], losing)))).toMatchObject({
      type: 'paused',
      reason: 'lost',
      message: '3 of 100 agents vanished after the offer; 2 may',
    });
  });
});

describe('what a person accepts by resuming', () => {
  const resumedAfter = (rollout: Rollout): Rollout => after(decided(rollout, around(), NOW), resumed);

  test('is what has happened, not what comes (I4)', () => {
    const two = resumedAfter(after(canaryPassed(pausing), ...proving('p'), ...each(['a', 'b'], failing)));
    expect(two.waived.failed).toBe(2);
    expect(tripped(two)).not.toMatchObject({ reason: 'failures' });
    expect(tripped(after(two, ...each(['d'], failing)))).toMatchObject({ reason: 'failures' });
  });

  test('in the canary both budgets, which are one there; each counts for itself later', () => {
    const lost = resumedAfter(after(started(pausing), ...each(['c1', 'c2', 'c3'], losing)));
    expect(lost.waived).toMatchObject({ failed: 0, lost: 3 });
    const later = { ...lost, stage: 1 };
    expect(tripped(later)).not.toMatchObject({ reason: 'lost' });
    expect(tripped(after(later, ...each(['a', 'b'], failing)))).toMatchObject({ reason: 'failures' });
  });

  test.each(['operator', 'gate', 'no-progress', 'time-travel', 'deferred', 'threshold', 'nothing-proven'] as const)(
    'nothing failed is accepted after a pause for %s',
    (reason: PauseReason) => {
      const rollout = after(canaryPassed(), ...proving('p'), ...each(['a', 'b'], failing), paused(reason), resumed);
      expect(tripped(rollout)).toMatchObject({ type: 'rollback-started' });
    },
  );

  test('twice is once', () => {
    const twice = after(
      canaryPassed(pausing),
      ...proving('p'),
      ...each(['a', 'b'], failing),
      paused('failures'),
      resumed,
    );
    expect(after(twice, paused(), resumed).waived).toEqual(twice.waived);
  });
});

describe('the control group (A.5)', () => {
  const ill = (agent: string) => observe(agent, 'failed', 'unhealthy');
  const world = { control: () => ({ bad: 50, all: 500 }) };

  test('others degrade alike: a person decides', () => {
    expect(
      tripped(
        after(started(), admitted('c1', 'c2', 'c3'), ...['c1', 'c2', 'c3'].map((id) => observe(id, 'sent')), ill('c1')),
        world,
      ),
    ).toEqual({
      type: 'paused',
      reason: 'environment',
      message: '1 of 100 agents failed; 0 may; of 500 agents that were not touched 50 lost health or contact as well',
    });
  });

  test('who vanished counts among them', () => {
    const lost = ['c1', 'c2', 'c3'].flatMap((id) => [admitted(id), losing(id)]);
    const message = tripped(after(started(), ...lost), { control: () => ({ bad: 1, all: 60 }) });
    expect(message).toMatchObject({ type: 'rollback-started' });
  });

  test('who failed and is back by now had it as well', () => {
    const bad = Array.from({ length: 12 }, (_, n) => `b${n}`);
    const oneByOne = bad.flatMap((id) => [
      admitted(id),
      observe(id, 'sent'),
      ill(id),
      ordered(id),
      observe(id, 'reverted'),
    ]);
    const rollout = after(canaryPassed({ maxFailed: 11 }), ...oneByOne);
    expect(tripped(rollout, { control: () => ({ bad: 60, all: 60 }) })).toMatchObject({ reason: 'environment' });
  });

  test('they do not: it is taken back', () => {
    const rollout = after(started(), admitted('c1', 'c2'), observe('c2', 'sent'), ill('c1'));
    expect(tripped(rollout, { control: () => ({ bad: 0, all: 500 }) })).toMatchObject({ type: 'rollback-started' });
  });

  test('never where an agent said no', () => {
    const rollout = after(started(), admitted('c1', 'c2'), ill('c1'), failing('c2'));
    expect(tripped(rollout, world)).toMatchObject({ type: 'rollback-started' });
  });

  test('accepted, it goes on', () => {
    const held = decided(after(started(), ...each(['c1'], ill)), around(world), NOW);
    expect(held.pause?.reason).toBe('environment');
    expect(tripped(after(held, resumed), world)).not.toMatchObject({ reason: 'environment' });
  });
});

describe('a sibling of the same push', () => {
  test('stops this one, once', () => {
    const held = decided(canaryPassed(), around({ trippedSibling: 'r-9' }), NOW);
    expect(held.pause).toEqual({ reason: 'sibling', message: 'rollout r-9 of the same push has stopped' });
    expect(tripped(after(held, resumed), { trippedSibling: 'r-9' })).not.toMatchObject({ reason: 'sibling' });
  });

  test('its own budgets come first', () => {
    const rollout = after(started(), ...each(['c1'], failing));
    expect(tripped(rollout, { trippedSibling: 'r-9' })).toMatchObject({ type: 'rollback-started' });
  });
});

describe('gates', () => {
  const gated = { strategy: withOverrides(strategyNamed('careful'), { gates: [{ after: '25%', type: 'manual' }] }) };

  test('a first rollout waits for a person after the canary (A.7)', () => {
    const rollout = decided(
      after(started({ from: null }), ...proving('c1', 'c2', 'c3'), soaking),
      around(),
      NOW + 600_000,
    );
    expect(rollout).toMatchObject({
      state: 'paused',
      stage: 1,
      pause: { reason: 'gate', message: 'canary has passed; 22 agents of stage 25% are next' },
    });
    expect(after(rollout, { type: 'promoted' })).toMatchObject({ state: 'running', stage: 1 });
  });

  test('where the strategy says so, and nowhere else', () => {
    const rollout = after(canaryPassed(gated), ...proving('a'), soaking, { type: 'advanced' });
    expect(rollout).toMatchObject({ state: 'paused', stage: 2, pause: { reason: 'gate' } });
    expect(canaryPassed().state).toBe('running');
  });

  test('to skip the soak is to skip the gate behind it', () => {
    const rollout = after(started({ from: null }), ...proving('c1', 'c2', 'c3'), soaking, { type: 'promoted' });
    expect(rollout).toMatchObject({ state: 'running', stage: 1 });
  });
});
