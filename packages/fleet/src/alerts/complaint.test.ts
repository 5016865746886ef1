import { describe, expect, test } from 'vitest';
import { A, agent, assigned, B, entry, health, presence, reported, T0, without } from '../../test/samples.ts';
import { FAILURE_REASONS, PHASES } from '../convergence/ledger.ts';
import { standing } from '../convergence/sync.ts';
import { LIMITS } from '../limits.ts';
import { complaintOf, isLost, type RolloutFacts, rolloutComplaint } from './complaint.ts';
import { namesEvent } from './webhook.ts';

const failed = (reason: (typeof FAILURE_REASONS)[number], over = {}) =>
  entry('failed', { failure: { reason, message: 'words', at: T0 }, ...over });
const kindOf = (...given: Parameters<typeof complaintOf>) => {
  const verdict = complaintOf(...given);
  return typeof verdict === 'object' ? verdict.kind : verdict;
};
const AWAY = presence({ connected: false, disconnectedAt: T0 });

describe('an agent', () => {
  test.each([
    ['agent-failed', 'config-failed', 'config-failed'],
    ['agent-reverted', 'config-failed', 'config-failed'],
    ['restart-loop', 'config-failed', 'config-failed'],
    ['apply-timeout', 'config-failed', 'config-failed'],
    ['unhealthy', 'config-failed', 'config-failed'],
    ['no-effective-config', 'config-failed', 'config-failed'],
    ['never-acknowledged', 'config-failed', 'config-failed'],
    ['effective-mismatch', 'drift', 'drift'],
    ['lost-contact', 'under-way', 'agents-lost'],
    ['identity-conflict', 'under-way', 'under-way'],
  ] as const)('failed by %s is %s; away it is %s', (reason, there, away) => {
    const report = { reported: null };
    expect(kindOf(assigned(failed(reason), report), presence())).toBe(there);
    expect(kindOf(assigned(failed(reason), report), AWAY)).toBe(away);
  });

  test('that went back by itself after it refused is rolled back', () => {
    const back = assigned(failed('agent-failed'), { reported: reported(A, 'APPLIED', T0 + 9) });
    expect(complaintOf(back, presence())).toEqual({
      kind: 'rolled-back',
      rollout: 'r-1',
      group: 'edge',
      revision: B,
      reason: 'agent-failed',
      message: 'words',
    });
  });

  test.each([
    [{ kind: 'rollout', rollout: 'r-7' } as const, 'r-7'],
    [{ kind: 'catch-up', group: 'edge' } as const, null],
    [{ kind: 'pin' } as const, null],
    [{ kind: 'retry' } as const, null],
  ])('asked by %o is of rollout %s', (source, rollout) => {
    const found = complaintOf(assigned(failed('agent-failed', { source })), presence());
    expect(found).toMatchObject({ rollout, group: 'edge' });
  });

  test('that was taken back for it while others went on is still complained of, with what it failed on (A.4)', () => {
    const failedOn = { revision: B, reason: 'unhealthy', message: 'queue is full' } as const;
    const back = (phase: (typeof PHASES)[number], over = {}) =>
      assigned(entry(phase, { revision: A, source: { kind: 'rollback', rollout: 'r-1', failedOn, ...over } }), {
        reported: reported(A, 'APPLIED', T0),
      });
    const complaint = {
      kind: 'config-failed',
      rollout: 'r-1',
      revision: B,
      reason: 'unhealthy',
      message: 'queue is full',
    };
    expect(complaintOf(back('offered'), presence())).toMatchObject(complaint);
    expect(complaintOf(back('proven'), presence())).toMatchObject(complaint);
    const reverted = { failedOn: { ...failedOn, reason: 'agent-reverted' as const } };
    expect(complaintOf(back('proven', reverted), presence())).toMatchObject({ kind: 'rolled-back', revision: B });
    expect(complaintOf(back('proven', { failedOn: undefined }), presence())).toBe('well');
  });

  test('that drifts after its proof', () => {
    const effective = { kind: 'contradicted', why: 'exporters: otlp is missing', at: T0 } as const;
    const drifted = assigned(entry('proven', { effective }), { reported: reported(B, 'APPLIED', T0) });
    expect(complaintOf(drifted, presence())).toMatchObject({ kind: 'drift', message: effective.why });
  });

  const worlds = PHASES.flatMap((phase) => FAILURE_REASONS.map((reason) => ({ phase, reason })));
  test('complains of who is failed, and of nobody who is in sync', () => {
    for (const { phase, reason } of worlds) {
      const ledger = phase === 'failed' ? failed(reason) : entry(phase);
      const found = complaintOf(assigned(ledger), AWAY);
      const { sync } = standing(assigned(ledger), AWAY);
      const isWrong = phase === 'failed' && reason !== 'identity-conflict';
      expect([phase, reason, typeof found === 'object']).toEqual([phase, reason, isWrong]);
      if (sync === 'in-sync') expect(found).toBe('well');
      if (sync === 'updating') expect(found).toBe('under-way');
    }
  });

  test('that is ill after its proof is none of ours', () =>
    expect(complaintOf(assigned(entry('proven'), { health: health(false, T0, 'ill') }), presence())).toBe('well'));

  test('that can show nothing, is not admitted or is asked for nothing is not complained of', () => {
    const mute = without('ReportsRemoteConfig', 'ReportsEffectiveConfig');
    expect(complaintOf(assigned(failed('never-acknowledged'), {}, mute), presence())).toBe('well');
    const quarantined = assigned(failed('agent-failed'));
    const identity = { ...quarantined.identity, admission: 'quarantined' } as const;
    expect(complaintOf({ ...quarantined, identity }, presence())).toBe('well');
    expect(complaintOf(agent(), presence())).toBe('well');
  });

  test('lost is who was away for a minute without a goodbye', () => {
    const at = (now: number, over = {}) => isLost(agent(), { ...AWAY, ...over }, T0 + now);
    expect(at(LIMITS.lostAfter - 1)).toBe(false);
    expect(at(LIMITS.lostAfter)).toBe(true);
    expect(at(LIMITS.lostFor)).toBe(false);
    expect(at(LIMITS.lostAfter, { left: true })).toBe(false);
    expect(at(LIMITS.lostAfter, { connected: true })).toBe(false);
    // Of whom nothing is known since our start nobody says that it vanished.
    expect(at(LIMITS.lostAfter, { disconnectedAt: null })).toBe(false);
    expect(isLost(agent('a-1', { group: null }), AWAY, T0 + LIMITS.lostAfter)).toBe(false);
  });
});

describe('a rollout', () => {
  const rollout = { id: 'r-1', group: 'edge', target: B, state: 'running', pause: null, endedAt: null } as const;
  const of = (over: Partial<RolloutFacts>, isLatest = true, now = T0) =>
    rolloutComplaint({ ...rollout, ...over }, isLatest, now);

  test.each(['running', 'baking', 'succeeded', 'superseded', 'cancelled', 'stopped-mixed'])('%s is none', (state) =>
    expect(of({ state, endedAt: T0 })).toBeUndefined(),
  );

  test.each(['failures', 'gate', 'lost', 'environment', 'sibling', 'no-rollback-target'])('paused for %s', (reason) =>
    expect(of({ state: 'paused', pause: { reason, message: 'why' } })).toEqual({
      kind: 'rollout-paused',
      rollout: 'r-1',
      group: 'edge',
      revision: B,
      reason,
      message: 'why',
    }),
  );

  test('that a person paused is none', () =>
    expect(of({ state: 'paused', pause: { reason: 'operator', message: '' } })).toBeUndefined());

  test.each([
    ['rolling-back', null, true],
    ['rolled-back', T0, true],
    ['rolled-back', T0 - LIMITS.rolledBackFor, false],
    ['rolled-back-partial', T0 - LIMITS.rolledBackFor, true],
  ])('%s since %s', (state, endedAt, isNews) => {
    const rollback = { message: 'more failed than may' };
    expect(of({ state, endedAt, rollback })?.reason).toBe(isNews ? state : undefined);
    if (endedAt !== null) expect(of({ state, endedAt }, false)).toBeUndefined();
  });
});

test.each([
  [['alert.*'], 'alert.raised', true],
  [['alert.*'], 'alerts.raised', false],
  [['rollout.paused'], 'rollout.paused', true],
  [['rollout.paused'], 'rollout.resumed', false],
  [['*'], 'server.started', true],
  [['rollout.*', '*'], 'rollout.progressed', false],
  [['rollout.progressed'], 'rollout.progressed', true],
  [['agents.*'], 'agents.changed', false],
  [[], 'alert.raised', false],
])('patterns %j name %s: %s', (patterns, kind, named) => expect(namesEvent(patterns, kind)).toBe(named));
