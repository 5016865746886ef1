import { describe, expect, test } from 'vitest';
import { A, agent, assigned, B, C, entry, presence, reported, T0, without } from '../../test/samples.ts';
import type { Agent } from '../agents/agent.ts';
import type { Phase } from '../convergence/ledger.ts';
import { CATCH_UP_TERMS, lane, needsCatchUp, runsAlready } from './catch-up.ts';

const catchUp = { kind: 'catch-up', group: 'edge' } as const;
const inLane = (phase: Phase): Agent => assigned(entry(phase, { source: catchUp }));
const many = (count: number, phase: Phase): Agent[] => Array.from({ length: count }, () => inLane(phase));

describe('the lane', () => {
  test.each([
    [1, 1],
    [20, 1],
    [21, 2],
    [1_000, 50],
    [10_000, 500],
    [50_000, 500],
  ])('of %i members %i go at once', (size, free) =>
    expect(lane([], size, B)).toEqual({ free, failed: 0, stopped: false }),
  );

  test.each(['offered', 'sent', 'received', 'applying', 'verifying'] as const)('%s takes a place', (phase) => {
    expect(lane(many(2, phase), 100, B).free).toBe(3);
    expect(lane(many(9, phase), 100, B).free).toBe(0);
  });

  test('proven takes none', () => expect(lane(many(50, 'proven'), 100, B).free).toBe(5));

  test('failures stop the lane, not before the fourth', () => {
    expect(lane(many(3, 'failed'), 100, B)).toEqual({ free: 5, failed: 3, stopped: false });
    expect(lane(many(4, 'failed'), 100, B)).toEqual({ free: 0, failed: 4, stopped: true });
    expect(lane(many(10, 'failed'), 1_000, B).stopped).toBe(false);
    expect(lane(many(11, 'failed'), 1_000, B).stopped).toBe(true);
  });

  test('what came by a rollout, a pin or for another revision is not in the lane', () => {
    const others = [
      assigned(entry('failed')),
      assigned(entry('sent', { source: { kind: 'pin' } })),
      ...many(9, 'failed').map((one) => one),
    ];
    expect(lane(others.slice(0, 2), 100, B)).toEqual({ free: 5, failed: 0, stopped: false });
    expect(lane(others, 100, C)).toEqual({ free: 5, failed: 0, stopped: false });
  });

  test('an agent that can show nothing says nothing of the revision', () => {
    const mute = many(9, 'failed').map((one) => ({
      ...one,
      identity: { ...one.identity, capabilities: without('ReportsRemoteConfig', 'ReportsEffectiveConfig') },
    }));
    expect(lane(mute, 100, B)).toMatchObject({ failed: 0, stopped: false });
  });
});

describe('needsCatchUp', () => {
  const pin = { configuration: 'edge', revision: 1, reason: '', author: '', at: 0, expires: null };
  test('a member that is asked for nothing', () => expect(needsCatchUp(agent(), presence(), B, T0 + 2)).toBe(true));
  test('one that is asked for an older one', () =>
    expect(needsCatchUp(assigned(entry('proven')), presence(), C, T0 + 2)).toBe(true));
  test('one that was given up and is back without it, once that is known (I6)', () => {
    const failure = { reason: 'lost-contact', message: '', at: T0 } as const;
    const lost = assigned(entry('failed', { failure }), { reported: reported(A, 'APPLIED', T0) });
    const back = presence({ epoch: 'e2', fullStateAt: T0 + 1 });
    expect(needsCatchUp(lost, back, B, T0 + 2)).toBe(true);
    expect(needsCatchUp(lost, presence(), B, T0 + 2)).toBe(false);
    expect(needsCatchUp({ ...lost, ledger: entry('sent') }, back, B, T0 + 2)).toBe(false);
  });
  test.each([
    ['away', agent(), presence({ connected: false })],
    ['of unknown state', agent(), presence({ synced: false })],
    ['not admitted', agent('a', { admission: 'quarantined' }), presence()],
    ['pinned', agent('a', { pin }), presence()],
    ['taking no config', agent('a', { capabilities: without('AcceptsRemoteConfig') }), presence()],
    ['asked for it already', assigned(entry('sent')), presence()],
    ['one that refused it', { ...assigned(entry('failed')), ledger: entry('proven', { revision: C }) }, presence()],
  ])('not one that is %s', (_, subject, there) => expect(needsCatchUp(subject, there, B, T0 + 2)).toBe(false));
});

test('an agent that runs it already is adopted without a send', () => {
  const running = { ...agent(), report: { ...agent().report, reported: reported(B, 'APPLIED', T0) } };
  expect(runsAlready(running, B, T0)).toBe(true);
  expect(runsAlready({ ...running, report: { ...running.report, reported: reported(B, 'APPLYING', T0) } }, B, T0)).toBe(
    false,
  );
  expect(runsAlready(agent(), B, T0)).toBe(false);
});

test('the terms of the lane are those of a plain push', () => {
  expect(CATCH_UP_TERMS).toEqual({
    deliveryTimeout: 30_000,
    applyTimeout: 120_000,
    minHealthyTime: 0,
    requireEffective: 'ifReported',
  });
});
