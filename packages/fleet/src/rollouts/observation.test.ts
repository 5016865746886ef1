/** What a rollout hears of its agents (A.4, I4). */
import { describe, expect, test } from 'vitest';
import { AT_ONCE, after, IN, proving, rollbackStarted, started } from '../../test/rollouts.ts';
import { agent, assigned, C, entry, ROLLOUT, T0 } from '../../test/samples.ts';
import type { Agent } from '../agents/agent.ts';
import type { LedgerEntry, Phase } from '../convergence/ledger.ts';
import { observation } from './observation.ts';

const rollout = IN.running();
const BACK = { kind: 'rollback', rollout: 'r-1' } as const;
const RETRY = { kind: 'retry', rollout: 'r-1' } as const;
const failedFor = (reason: NonNullable<LedgerEntry['failure']>['reason'], over = {}): LedgerEntry =>
  entry('failed', { failure: { reason, message: 'why', at: T0 }, ...over });
const without = (over: Partial<Agent['identity']> = {}): Agent => ({ ...agent('a-1', over), ledger: null });

describe('of an agent that it has in its hands', () => {
  test.each([
    ['sent', 'sent'],
    ['received', 'sent'],
    ['applying', 'applying'],
    ['verifying', 'verifying'],
    ['proven', 'proven'],
  ] as const)('%s is %s', (phase: Phase, state) => {
    const now = assigned(entry(phase));
    expect(observation(entry('offered'), now, rollout)).toMatchObject({ agent: 'a-1', state });
    expect(observation(now.ledger, now, rollout)).toBeUndefined();
  });

  test('why it failed, verbatim', () => {
    expect(observation(entry('sent'), assigned(failedFor('agent-failed')), rollout)).toEqual({
      agent: 'a-1',
      state: 'failed',
      reason: 'agent-failed',
      message: 'why',
    });
  });

  test('no better and no worse than before says nothing of the revision (A.5)', () => {
    const now = assigned(failedFor('unchanged-unhealthy'));
    expect(observation(entry('verifying'), now, rollout)).toMatchObject({ state: 'inconclusive' });
  });

  test('nothing new, nothing said; a new generation is new', () => {
    expect(observation(entry('sent'), assigned(entry('received')), rollout)).toBeUndefined();
    expect(observation(entry('sent'), assigned(entry('sent', { generation: 2 })), rollout)).toMatchObject({
      state: 'sent',
    });
    expect(observation(null, assigned(entry('offered')), rollout)).toBeUndefined();
  });

  test('also when a person has it asked once more (I5)', () => {
    const again = assigned(entry('sent', { source: RETRY, generation: 2 }));
    expect(observation(entry('failed'), again, rollout)).toMatchObject({ state: 'sent' });
    const undelivered = observation(entry('offered', { source: RETRY, generation: 2 }), without(), rollout);
    expect(undelivered).toMatchObject({ state: 'deferred' });
  });

  test('not of another rollout, unless it carries the agent', () => {
    const other = assigned(entry('failed', { source: { kind: 'rollout', rollout: 'r-0' } }));
    expect(observation(null, other, rollout)).toBeUndefined();
    const carrying = started({ ...AT_ONCE, carried: ['a-1'] });
    expect(observation(null, other, carrying)).toMatchObject({ state: 'failed' });
  });
});

describe('of one that it has no more in its hands', () => {
  test.each([
    ['undelivered', without(), 'deferred', 'offline'],
    [
      'pinned',
      without({ pin: { configuration: 'e', revision: 1, reason: '', author: '', at: 0, expires: null } }),
      'skipped',
      'pinned',
    ],
    ['gone to another group', without({ group: { name: 'other', since: T0 } }), 'skipped', 'left-group'],
    ['deleted', without({ group: null }), 'skipped', 'left-group'],
    ['without the capability', without({ capabilities: 0 }), 'skipped', 'no-remote-config'],
  ] as const)('never sent, and %s: it costs nothing', (_, now, state, reason) => {
    expect(observation(entry('offered'), now, rollout)).toMatchObject({ state, reason });
  });

  test('sent and not proven: a failure that counts (I4)', () => {
    const moved = without({ group: { name: 'other', since: T0 } });
    expect(observation(entry('applying'), moved, rollout)).toMatchObject({
      state: 'failed',
      reason: 'lost-contact',
      message: 'left-group while it held the revision without proof',
    });
    expect(observation(entry('proven'), moved, rollout)).toBeUndefined();
    expect(observation(entry('failed'), moved, rollout)).toBeUndefined();
  });
});

describe('on the way back', () => {
  const rolling = after(started(AT_ONCE), ...proving('a-1'), rollbackStarted);
  const returning = (phase: Phase, over: Partial<LedgerEntry> = {}) => entry(phase, { source: BACK, ...over });

  test.each([
    ['proven', returning('proven'), 'reverted'],
    ['failed', failedFor('agent-failed', { source: BACK }), 'revert-unconfirmed'],
    ['as ill as it was before', failedFor('unchanged-unhealthy', { source: BACK }), 'reverted'],
  ] as const)('%s', (_, now, state) => {
    expect(observation(returning('sent'), assigned(now), rolling)).toMatchObject({ state });
  });

  test.each(['sent', 'received', 'applying', 'verifying'] as const)('%s says nothing yet', (phase) => {
    expect(observation(returning('offered'), assigned(returning(phase)), rolling)).toBeUndefined();
  });

  test('pinned, moved or deleted meanwhile: not waited for', () => {
    const pin = { configuration: 'e', revision: 1, reason: '', author: '', at: 0, expires: null };
    const pinned = {
      ...assigned(entry('offered', { source: { kind: 'pin' }, revision: C })),
      identity: agent('a-1', { pin }).identity,
    };
    expect(observation(returning('sent'), pinned, rolling)).toMatchObject({ state: 'skipped', reason: 'pinned' });
    expect(observation(returning('offered'), without({ group: null }), rolling)).toMatchObject({
      reason: 'left-group',
    });
    expect(observation(returning('offered'), without(), rolling)).toMatchObject({ state: 'revert-unconfirmed' });
  });

  test('the rollout’s own entry is not mistaken for the way back', () => {
    expect(observation(null, assigned(entry('proven', { source: ROLLOUT })), rolling)).toMatchObject({
      state: 'proven',
    });
  });
});
