import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  A,
  ALL_CAPABILITIES,
  assigned,
  B,
  C,
  entry,
  health,
  presence,
  QUICK,
  reported,
  T0,
  TERMS,
  without,
} from '../../test/samples.ts';
import type { Agent, Presence } from '../agents/agent.ts';
import { assess, lacksNews, RECONNECT_GRACE } from './assess.ts';
import { type FailureReason, type LedgerEntry, PHASES, type Phase } from './ledger.ts';
import { EFFECTIVE_SETTLE, RULES } from './rules.ts';

/** What a rule is asked about; everything not named is as usual one second after the send. */
interface Case {
  readonly why: string;
  readonly entry?: Partial<LedgerEntry>;
  readonly says?: Agent['report']['reported'];
  readonly health?: Agent['report']['health'];
  readonly effectiveAt?: number;
  readonly assignment?: Partial<Agent['assignment']>;
  readonly capabilities?: number;
  readonly presence?: Partial<Presence>;
  readonly now?: number;
}

const LATER = T0 + 1_000;
const confirmed = (at = LATER) => ({ kind: 'confirmed', why: '', at }) as const;
const contradicted = (at = LATER) => ({ kind: 'contradicted', why: 'exporter otlp is missing', at }) as const;
const failure = (reason: FailureReason) => ({ reason, message: 'words', at: T0 + 10 });
const effective = (at: number) => ({ files: [], digest: 'd', at });
const NO_STATUS = without('ReportsRemoteConfig');
const NEITHER = without('ReportsRemoteConfig', 'ReportsEffectiveConfig');
const appliedB = reported(B, 'APPLIED', LATER);

function set(phase: Phase, given: Case): { agent: Agent; presence: Presence; now: number } {
  const now = given.now ?? LATER;
  const agent = assigned(
    entry(phase, given.entry),
    {
      reported: given.says === undefined ? reported(A, 'APPLIED', T0 - 5) : given.says,
      health: given.health === undefined ? health(true, T0 + 500) : given.health,
      effective: given.effectiveAt === undefined ? null : effective(given.effectiveAt),
    },
    given.capabilities ?? ALL_CAPABILITIES,
  );
  return {
    agent: { ...agent, assignment: { ...agent.assignment, ...given.assignment } },
    presence: presence({ lastSeen: now, ...given.presence }),
    now,
  };
}

/** The name of the first rule that holds. */
function firing(phase: Phase, given: Case): string {
  const { agent, presence, now } = set(phase, given);
  const subject = { entry: agent.ledger as LedgerEntry, agent, presence, now };
  return Object.entries(RULES[phase]).find(([, rule]) => rule(subject) !== undefined)?.[0] ?? 'none';
}

const saysFailed: Case = { why: 'FAILED with its words', says: reported(B, 'FAILED', LATER, 'exit code 1') };
const saysApplied: Case = { why: 'APPLIED', says: appliedB };
const saysApplying: Case = { why: 'APPLYING', says: reported(B, 'APPLYING', LATER) };
const namesB: Case = { why: 'UNSET with the hash', says: reported(B, 'UNSET', LATER) };
const wentBack: Case = { why: 'APPLIED for A', says: reported(A, 'APPLIED', LATER) };
const lostAll: Case = { why: 'no hash', says: reported(null, 'UNSET', LATER) };
const neverSaid: Case = { why: 'no report at all, state known', says: null };
const tooLate: Case = { why: 'the deadline is now', now: T0 + 120_000 };
const cannotBeAsked = { capabilities: without('AcceptsRemoteConfig') };
const retried = { source: { kind: 'retry' } } as const;
const crossedBy = { leftOnTheWay: { hash: C.hash, epoch: 'e1', sentAt: T0, until: T0 + 120_000 } } as const;
const refusedB = { refused: [{ hash: B.hash, reason: 'agent-failed', message: 'no', at: 1 } as const] };
const proof: Case = {
  why: 'healthy for the whole window',
  says: appliedB,
  entry: { effective: confirmed() },
  now: T0 + 65_000,
};

/** For each rule of each phase: what makes it the first to hold. Missing a rule is a compile or a test failure. */
const HOLDS: Readonly<Record<Phase, Readonly<Record<string, readonly Case[]>>>> = {
  offered: {
    refusedBefore: [
      { why: 'in its memory', assignment: refusedB },
      { ...saysApplied, assignment: refusedB },
    ],
    failed: [saysFailed, { why: 'said before it was asked', says: reported(B, 'FAILED', T0 - 99) }],
    applied: [
      saysApplied,
      { why: 'ran it before', says: reported(B, 'APPLIED', T0 - 99) },
      {
        ...saysApplied,
        why: 'an overtaken send has had its time, and a full state of a later epoch does not name it',
        assignment: crossedBy,
        presence: { epoch: 'e2', fullStateAt: T0 + 1 },
        now: T0 + 120_000,
      },
      {
        ...saysApplied,
        why: 'an overtaken send has had its time, over HTTP',
        assignment: crossedBy,
        presence: { transport: 'http' },
        now: T0 + 120_000,
      },
    ],
    applying: [saysApplying],
    named: [namesB],
    onTheWay: [{ why: 'sent in the last generation', entry: { sentAt: T0, sentEpoch: 'e1', sends: 1 } }],
  },
  sent: {
    failed: [saysFailed],
    applied: [saysApplied, { why: 'a retry, said after the send', says: appliedB, entry: retried }],
    applying: [saysApplying],
    named: [namesB],
    shown: [
      {
        why: 'reported since the send',
        capabilities: NO_STATUS,
        entry: { effective: confirmed() },
        effectiveAt: LATER,
      },
    ],
    withdrawn: [{ ...cannotBeAsked, why: 'no answer yet' }],
    noVerdict: [tooLate, { why: 'gone', now: T0 + 120_000, presence: { connected: false } }],
  },
  received: {
    failed: [saysFailed],
    applied: [saysApplied],
    applying: [saysApplying],
    reverted: [wentBack],
    stateLost: [lostAll, neverSaid],
    restartLoop: [{ ...lostAll, entry: { reverts: 1 } }],
    withdrawn: [{ ...namesB, ...cannotBeAsked }],
    noVerdict: [{ ...namesB, now: T0 + 120_000 }],
  },
  applying: {
    failed: [saysFailed],
    applied: [saysApplied],
    reverted: [wentBack, { ...wentBack, why: 'after a reconnect too', presence: { epoch: 'e2' } }],
    stateLost: [lostAll],
    restartLoop: [{ ...lostAll, entry: { reverts: 1 } }],
    withdrawn: [{ ...saysApplying, ...cannotBeAsked }],
    noVerdict: [{ ...saysApplying, now: T0 + 120_000 }],
  },
  verifying: {
    failed: [saysFailed],
    reverted: [wentBack, { ...wentBack, presence: { epoch: 'e2' } }],
    lostAgain: [
      { ...lostAll, why: 'given up, back with it, and without it', entry: { failure: failure('lost-contact') } },
    ],
    stateLost: [lostAll],
    restartLoop: [{ ...lostAll, entry: { reverts: 1 } }],
    mismatch: [
      {
        why: 'settled',
        says: appliedB,
        entry: { effective: contradicted(T0 + 5_000) },
        now: T0 + 5_000 + EFFECTIVE_SETTLE,
      },
    ],
    proven: [
      proof,
      {
        ...proof,
        why: 'inconclusive is enough',
        entry: { effective: { kind: 'inconclusive', why: 'x', at: 1 } },
      },
      {
        ...proof,
        why: 'no effective config to report',
        entry: {},
        capabilities: without('ReportsEffectiveConfig'),
      },
      { ...proof, why: 'no health to report', health: null, capabilities: without('ReportsHealth') },
      { ...proof, why: 'terms do not ask', entry: { terms: { ...TERMS, requireEffective: 'never' } } },
      {
        ...proof,
        why: 'terms look away from a contradiction',
        entry: { terms: { ...TERMS, requireEffective: 'never' }, effective: contradicted() },
      },
      { ...proof, why: 'at once', entry: { terms: QUICK, effective: confirmed() }, now: T0 + 5_000 },
      { ...proof, why: 'shown, not said', capabilities: NO_STATUS, says: null },
    ],
    withdrawn: [{ ...saysApplied, ...cannotBeAsked }],
    notProven: [
      { why: 'ill', says: appliedB, health: health(false, LATER), now: T0 + 120_000 },
      { why: 'gone', says: appliedB, presence: { connected: false }, now: T0 + 120_000 },
    ],
  },
  proven: {
    failed: [saysFailed],
    restartedBack: [{ ...wentBack, presence: { epoch: 'e2' } }],
    reverted: [wentBack, { ...wentBack, presence: { epoch: 'e2' }, entry: { reverts: 1 } }],
    stateLost: [lostAll],
    restartLoop: [{ ...lostAll, entry: { reverts: 1 } }],
  },
  failed: {
    failed: (['lost-contact', 'apply-timeout', 'unhealthy', 'effective-mismatch', 'no-effective-config'] as const).map(
      (reason) => ({ ...saysFailed, why: reason, entry: { failure: failure(reason) } }),
    ),
    applied: (['lost-contact', 'apply-timeout', 'never-acknowledged'] as const).map((reason) => ({
      ...saysApplied,
      why: reason,
      entry: { failure: failure(reason) },
    })),
    shown: [
      {
        why: 'late',
        capabilities: NO_STATUS,
        effectiveAt: LATER,
        entry: { failure: failure('apply-timeout'), effective: confirmed() },
      },
    ],
    reverted: [
      { ...wentBack, why: 'unhealthy', entry: { failure: failure('unhealthy'), receivedAt: T0 + 1 } },
      {
        ...wentBack,
        why: 'vanished while applying',
        entry: { failure: failure('lost-contact'), receivedAt: T0 + 1 },
      },
    ],
    proven: (['unhealthy', 'effective-mismatch', 'no-effective-config'] as const).map((reason) => ({
      ...proof,
      why: reason,
      entry: { failure: failure(reason), effective: confirmed(), healthySince: T0 + 5_000 },
    })),
  },
};

/** Near misses: what must not be the outcome, and what is. */
const MISSES: readonly (readonly [Phase, Case, string])[] = [
  ['offered', { why: 'nothing said' }, 'none'],
  ['offered', { ...saysApplied, why: 'it may have crossed another send', assignment: crossedBy }, 'none'],
  ['offered', { ...saysApplying, why: 'crossed', assignment: crossedBy }, 'none'],
  ['offered', { ...saysApplied, why: 'the time over, the same epoch', assignment: crossedBy, now: T0 + 1e9 }, 'none'],
  [
    'offered',
    {
      ...saysApplied,
      why: 'a later epoch, its time not over',
      assignment: crossedBy,
      presence: { epoch: 'e2', fullStateAt: T0 + 1 },
      now: T0 + 119_999,
    },
    'none',
  ],
  [
    'offered',
    {
      ...saysApplied,
      why: 'a later epoch of which no full state came',
      assignment: crossedBy,
      presence: { epoch: 'e2', fullStateAt: null },
      now: T0 + 1e9,
    },
    'none',
  ],
  ['offered', { ...saysFailed, why: 'the report is of the first attempt', entry: retried }, 'none'],
  ['offered', { why: 'nothing was sent, so no deadline', now: T0 + 1e9 }, 'none'],
  ['sent', { why: 'still A' }, 'none'],
  ['sent', wentBack, 'none'],
  ['sent', lostAll, 'none'],
  ['sent', { why: 'FAILED for an older hash that crossed (I5)', says: reported(C, 'FAILED', LATER) }, 'none'],
  ['sent', { why: 'a retry, and the old FAILED', says: reported(B, 'FAILED', T0 - 1), entry: retried }, 'none'],
  ['sent', { why: 'a millisecond before', now: T0 + 119_999 }, 'none'],
  [
    'sent',
    {
      why: 'effective from before',
      capabilities: NO_STATUS,
      entry: { effective: confirmed() },
      effectiveAt: T0 - 1,
    },
    'none',
  ],
  ['sent', { why: 'a status is reported', entry: { effective: confirmed() }, effectiveAt: LATER }, 'none'],
  [
    'sent',
    {
      why: 'not confirmed',
      capabilities: NO_STATUS,
      entry: { effective: { kind: 'inconclusive', why: '', at: LATER } },
      effectiveAt: LATER,
    },
    'none',
  ],
  ['received', { ...wentBack, why: 'state not known', presence: { synced: false } }, 'none'],
  ['received', namesB, 'none'],
  ['applying', saysApplying, 'none'],
  ['applying', { ...lostAll, why: 'state not known', presence: { synced: false } }, 'none'],
  ['applying', { why: 'A, but APPLYING', says: reported(A, 'APPLYING', LATER) }, 'none'],
  ['applying', { ...lostAll, why: 'reports no status at all', capabilities: NO_STATUS }, 'none'],
  ['verifying', { ...proof, why: 'one millisecond short', now: T0 + 64_999 }, 'none'],
  [
    'verifying',
    { ...proof, why: 'over HTTP, not heard of since', presence: { transport: 'http', lastSeen: T0 + 64_999 } },
    'none',
  ],
  ['verifying', { ...proof, why: 'silence proves nothing (S4)', presence: { lastSeen: T0 + 5_000 } }, 'none'],
  ['verifying', { ...proof, why: 'not connected', presence: { connected: false } }, 'none'],
  ['verifying', { ...proof, why: 'a gap: state not known', presence: { synced: false } }, 'none'],
  ['verifying', { ...proof, why: 'it says APPLYING now (S2)', says: reported(B, 'APPLYING', LATER) }, 'none'],
  ['verifying', { ...proof, why: 'it names A, FAILED (S1)', says: reported(A, 'FAILED', LATER) }, 'none'],
  ['verifying', { ...proof, why: 'ill (S3)', health: health(false, LATER) }, 'none'],
  ['verifying', { ...proof, why: 'health from before the send (S3)', health: health(true, T0 - 1) }, 'none'],
  ['verifying', { ...proof, why: 'no effective config (S5)', entry: {} }, 'none'],
  [
    'verifying',
    {
      ...proof,
      why: 'always wants a confirmation',
      entry: {
        effective: { kind: 'inconclusive', why: '', at: 1 },
        terms: { ...TERMS, requireEffective: 'always' },
      },
    },
    'none',
  ],
  [
    'verifying',
    { ...proof, why: 'shown, but not confirmed any more', capabilities: NO_STATUS, says: null, entry: {} },
    'none',
  ],
  [
    'verifying',
    {
      why: 'the old effective config may still stand',
      says: appliedB,
      entry: { effective: contradicted(T0 + 5_000) },
      now: T0 + 5_000 + EFFECTIVE_SETTLE - 1,
    },
    'none',
  ],
  [
    'verifying',
    {
      ...wentBack,
      why: 'no status bit: its first message said A and it says no more',
      capabilities: NO_STATUS,
      entry: { effective: confirmed() },
    },
    'none',
  ],
  ['proven', saysApplied, 'none'],
  ['proven', { ...wentBack, why: 'state not known', presence: { synced: false } }, 'none'],
  ['proven', { why: 'ill afterwards', says: appliedB, health: health(false, LATER) }, 'none'],
  ['proven', { why: 'no deadline any more', says: appliedB, now: T0 + 1e9 }, 'none'],
  ['failed', saysApplied, 'none'],
  ['failed', { ...saysFailed, why: 'the first words stand' }, 'none'],
  ['failed', { ...wentBack, why: 'refused already', entry: { receivedAt: T0 + 1 } }, 'none'],
  [
    'failed',
    {
      ...saysApplied,
      why: 'the report is from before it vanished',
      entry: { failure: failure('lost-contact') },
      presence: { connected: false },
    },
    'none',
  ],
  ['failed', { ...wentBack, why: 'it never had it', entry: { failure: failure('lost-contact') } }, 'none'],
  [
    'failed',
    {
      ...proof,
      why: 'not long enough',
      entry: { failure: failure('unhealthy'), healthySince: T0 + 50_000, effective: confirmed() },
    },
    'none',
  ],
];

describe('RULES', () => {
  for (const phase of PHASES) {
    test(`${phase}: the cases are those of the table, in its order`, () => {
      expect(Object.keys(HOLDS[phase])).toEqual(Object.keys(RULES[phase]));
    });
    for (const [name, cases] of Object.entries(HOLDS[phase])) {
      test.each(cases)(`${phase}: ${name} ($why)`, (given) => {
        expect(firing(phase, given)).toBe(name);
      });
    }
  }
  test.each(MISSES.map(([phase, given, outcome]) => [phase, given.why, given, outcome] as const))(
    '%s, near miss: %s',
    (phase, _, given, outcome) => {
      expect(firing(phase, given)).toBe(outcome);
    },
  );
});

/** The outcome of `assess` for a case. */
function after(phase: Phase, given: Case): LedgerEntry {
  const { agent, presence, now } = set(phase, given);
  const result = assess(agent, presence, now);
  if (result === null) throw new Error('no entry');
  return result;
}

describe('what the rules do', () => {
  test('words of the agent are kept verbatim', () => {
    const text = 'Agent exited unexpectedly with exit code 1\n\tCollector log tail: "x"';
    const result = after('applying', { why: '', says: reported(B, 'FAILED', LATER, text) });
    expect(result).toMatchObject({
      phase: 'failed',
      failure: { reason: 'agent-failed', message: text, at: LATER },
    });
    expect(result.deadline).toBeNull();
  });

  test('each step has its time, and a skipped step has none', () => {
    const result = after('sent', { ...saysApplied, entry: { terms: TERMS } });
    expect(result).toMatchObject({
      phase: 'verifying',
      receivedAt: LATER,
      applyingAt: null,
      appliedAt: LATER,
    });
    expect(after('sent', saysApplying)).toMatchObject({
      phase: 'applying',
      receivedAt: LATER,
      applyingAt: LATER,
    });
    expect(after('received', saysApplying)).toMatchObject({ receivedAt: T0 + 1, applyingAt: LATER });
  });

  test('APPLIED and proof may come in one message', () => {
    const result = after('sent', { ...saysApplied, entry: { terms: QUICK, effective: confirmed() } });
    expect(result).toMatchObject({ phase: 'proven', provenAt: LATER, healthySince: LATER, deadline: null });
  });

  test('an agent that already runs it is proven without a send', () => {
    const result = after('offered', {
      why: '',
      says: reported(B, 'APPLIED', T0 - 50),
      health: health(true, T0 - 50),
      entry: { terms: QUICK, effective: confirmed() },
    });
    expect(result).toMatchObject({ phase: 'proven', sentAt: null, sends: 0 });
  });

  test('an agent found APPLYING without our sending gets a deadline (I16)', () => {
    const found = after('offered', saysApplying);
    expect(found).toMatchObject({ phase: 'applying', deadline: LATER + TERMS.applyTimeout });
    const { agent, presence } = set('applying', saysApplying);
    const late = assess({ ...agent, ledger: found }, presence, LATER + TERMS.applyTimeout);
    expect(late?.failure?.reason).toBe('apply-timeout');
  });

  test.each([
    ['it is there', {}, 'sent', {}, 'apply-timeout', 'no verdict within 120 s of the offer'],
    ['it is gone', { connected: false }, 'sent', {}, 'lost-contact', 'the agent vanished after the offer'],
    ['sent as often as allowed', {}, 'sent', { sends: 5 }, 'never-acknowledged', 'sent 5 times, never acknowledged'],
    ['named at the fifth time', {}, 'received', { sends: 5 }, 'apply-timeout', 'no verdict within 120 s of the offer'],
  ] as const)('no verdict: %s', (_, over, phase, fields, reason, message) => {
    const result = after(phase, {
      why: '',
      says: phase === 'received' ? (namesB.says ?? null) : reported(A, 'APPLIED', T0),
      entry: fields,
      presence: over,
      now: T0 + 120_000,
    });
    expect(result).toMatchObject({ phase: 'failed', failure: { reason, message } });
  });

  test('an agent that can show nothing is not blamed for silence', () => {
    const result = after('sent', { why: '', capabilities: NEITHER, now: T0 + 120_000 });
    expect(result.failure).toMatchObject({ reason: 'never-acknowledged' });
    expect(result.failure?.message).toContain('neither a config status nor an effective config');
  });

  test.each([
    ['ill, in its words', { health: health(false, LATER, 'exporter down') }, 'unhealthy', 'exporter down'],
    ['ill without words', { health: health(false, LATER) }, 'unhealthy', 'the agent says APPLIED but is not healthy'],
    [
      'silent on health',
      { health: health(true, T0 - 1) },
      'unhealthy',
      'the agent says APPLIED but has not reported its health since the offer',
    ],
    [
      'no health at all',
      { health: null },
      'unhealthy',
      'the agent says APPLIED but has not reported its health since the offer',
    ],
    ['gone', { presence: { connected: false } }, 'lost-contact', 'the agent vanished after it said APPLIED'],
    [
      'no effective config',
      {},
      'no-effective-config',
      'the agent says APPLIED but sent no effective config that shows it',
    ],
    [
      'contradicted a moment ago',
      { entry: { effective: contradicted(T0 + 119_999) } },
      'effective-mismatch',
      'exporter otlp is missing',
    ],
    [
      'never healthy for long',
      { entry: { effective: confirmed(), healthySince: T0 + 119_000 } },
      'unhealthy',
      'the agent was not healthy and connected for 60 s without a break',
    ],
    [
      'another status since',
      { says: reported(B, 'UNSET', LATER) },
      'apply-timeout',
      'the agent said APPLIED, and then that it is not so',
    ],
  ] as const)('no proof: %s', (_, given, reason, message) => {
    const result = after('verifying', { why: '', says: appliedB, now: T0 + 120_000, ...given });
    expect(result).toMatchObject({ phase: 'failed', failure: { reason, message } });
  });

  test('a state lost is sent again with a deadline; the second loss is a refusal', () => {
    const lost = after('verifying', lostAll);
    expect(lost).toMatchObject({
      phase: 'sent',
      reverts: 1,
      deadline: LATER + 120_000,
      receivedAt: null,
      appliedAt: null,
      healthySince: null,
    });
    expect(after('verifying', { ...lostAll, entry: { reverts: 1 } }).failure?.reason).toBe('restart-loop');
  });

  test('what was never sent by us is offered, not "sent again"', () => {
    const lost = after('proven', { ...lostAll, entry: { sentAt: null, sentEpoch: null, sends: 0 } });
    expect(lost).toMatchObject({ phase: 'offered', deadline: null, reverts: 1, provenAt: null });
  });

  test('lost contact while verifying stands until the agent is back (I16)', () => {
    const gone = after('verifying', { ...saysApplied, presence: { connected: false }, now: T0 + 120_000 });
    expect(gone.failure?.reason).toBe('lost-contact');
    const { agent } = set('verifying', saysApplied);
    const still = assess({ ...agent, ledger: gone }, presence({ connected: false }), T0 + 500_000);
    expect(still).toBe(gone);
    const back = assess({ ...agent, ledger: gone }, presence({ epoch: 'e2' }), T0 + 500_000);
    expect(back).toMatchObject({ phase: 'verifying', failure: gone.failure, deadline: T0 + 500_000 + 180_000 });
  });

  test('an unhealthy agent that recovers is proven late, after its full window', () => {
    const { agent } = set('failed', {
      why: '',
      says: appliedB,
      entry: { failure: failure('unhealthy'), effective: confirmed() },
    });
    const seen = (at: number) => presence({ lastSeen: at });
    const well = assess(agent, seen(LATER), LATER);
    expect(well).toMatchObject({ phase: 'failed', healthySince: LATER });
    const proven = assess({ ...agent, ledger: well }, seen(LATER + 60_000), LATER + 60_000);
    expect(proven).toMatchObject({ phase: 'proven', failure: null });
  });
});

describe('continuity of health (S4)', () => {
  const healthyAt = (over: Case): number | null => after('verifying', { says: appliedB, ...over }).healthySince;

  test('ill health ends it, and it begins anew', () => {
    expect(healthyAt({ why: '', health: health(false, LATER) })).toBeNull();
    expect(healthyAt({ why: '', entry: { healthySince: null }, now: T0 + 9_000 })).toBe(T0 + 9_000);
  });

  test.each([
    ['two seconds', 2_000, T0 + 5_000],
    ['the grace exactly', RECONNECT_GRACE, T0 + 5_000],
    ['longer', RECONNECT_GRACE + 1, null],
  ])('a connection lost for %s', (_, away, since) => {
    const now = T0 + 40_000;
    expect(healthyAt({ why: '', now, presence: { connected: false, disconnectedAt: now - away } })).toBe(since);
  });

  test('after a restart of ours nobody knows how long the agent was away', () => {
    expect(healthyAt({ why: '', presence: { connected: false, disconnectedAt: null } })).toBeNull();
  });

  test('it does not begin while the agent is away', () => {
    const now = T0 + 9_000;
    expect(
      healthyAt({
        why: '',
        entry: { healthySince: null },
        now,
        presence: { connected: false, disconnectedAt: now - 1 },
      }),
    ).toBeNull();
  });

  test('a drop of two seconds does not delay the proof', () => {
    const { agent } = set('verifying', { ...proof, entry: { effective: confirmed() } });
    const away = assess(agent, presence({ connected: false, disconnectedAt: T0 + 30_000 }), T0 + 31_000);
    expect(away).toBe(agent.ledger);
    expect(assess(agent, presence({ epoch: 'e2', lastSeen: T0 + 65_000 }), T0 + 65_000)?.phase).toBe('proven');
  });

  test('what is proven stays so while away, and its health is still followed', () => {
    const away = after('proven', { ...saysApplied, presence: { connected: false, disconnectedAt: T0 } });
    expect(away.healthySince).toBe(T0 + 5_000);
    expect(after('proven', { ...saysApplied, health: health(false, LATER) }).healthySince).toBeNull();
  });

  test('a refused or silent failure does not follow health: nothing would come of it', () => {
    expect(after('failed', { ...saysApplied }).healthySince).toBeNull();
  });
});

describe('lacksNews (S3)', () => {
  const asks = (phase: Phase, given: Case): boolean => {
    const { agent, presence, now } = set(phase, given);
    return lacksNews(agent, presence, now);
  };
  const stale = { why: '', says: appliedB, health: health(true, T0 - 1), now: T0 + 8_000 } as const;

  test('a proof that waits for health asks for the full state', () => expect(asks('verifying', stale)).toBe(true));
  test('or for the effective config', () => {
    expect(asks('verifying', { why: '', says: appliedB, now: T0 + 8_000 })).toBe(true);
    expect(asks('verifying', { why: '', says: appliedB, entry: { effective: contradicted() }, now: T0 + 8_000 })).toBe(
      true,
    );
    expect(asks('verifying', { why: '', says: appliedB, entry: { effective: confirmed() }, now: T0 + 8_000 })).toBe(
      false,
    );
  });
  test('healthy for as long as is asked, and silent in that time: a Supervisor speaks every 30 s only (S4)', () => {
    const quiet = { why: '', says: appliedB, entry: { effective: confirmed(), healthySince: T0 + 5_000 } } as const;
    const until = T0 + 5_000 + TERMS.minHealthyTime;
    const silent = { lastSeen: T0 + 5_000, fullStateAt: T0 + 5_000 };
    expect(asks('verifying', { ...quiet, presence: silent, now: until })).toBe(true);
    expect(asks('verifying', { ...quiet, presence: silent, now: until - 1 })).toBe(false);
    expect(asks('verifying', { ...quiet, presence: { ...silent, lastSeen: T0 + 5_001 }, now: until })).toBe(false);
  });
  test('not at once', () => expect(asks('verifying', { ...stale, now: T0 + 7_999 })).toBe(false));
  test('not again once it came', () =>
    expect(asks('verifying', { ...stale, presence: { fullStateAt: T0 + 5_000 } })).toBe(false));
  test('not of an agent that is away', () =>
    expect(asks('verifying', { ...stale, presence: { connected: false } })).toBe(false));
  test('not for what the agent does not report', () =>
    expect(asks('verifying', { ...stale, capabilities: without('ReportsHealth', 'ReportsEffectiveConfig') })).toBe(
      false,
    ));
  test('a retry that is not answered asks, because the same status is not sent twice', () => {
    expect(asks('sent', { why: '', entry: retried, now: T0 + 3_001 })).toBe(true);
    expect(asks('sent', { why: '', now: T0 + 3_000 })).toBe(false);
  });
  test.each(['offered', 'received', 'applying', 'proven', 'failed'] as const)('not when %s', (phase) =>
    expect(asks(phase, stale)).toBe(false),
  );
  test('not without an entry', () => {
    const { agent, presence, now } = set('offered', { why: '' });
    expect(lacksNews({ ...agent, ledger: null }, presence, now)).toBe(false);
  });
});

const anyReport = fc.option(
  fc.record({
    hash: fc.constantFrom('', A.hash, B.hash, C.hash),
    status: fc.constantFrom('UNSET', 'APPLIED', 'APPLYING', 'FAILED' as const),
    errorMessage: fc.string({ maxLength: 5 }),
    at: fc.integer({ min: T0 - 100, max: T0 + 200_000 }),
  }),
);
const anyTime = fc.integer({ min: T0 - 100, max: T0 + 400_000 });
const anySituation = fc.record({
  phase: fc.constantFrom(...PHASES),
  report: anyReport,
  healthy: fc.option(fc.boolean()),
  healthAt: anyTime,
  effective: fc.constantFrom(null, confirmed(), contradicted(), {
    kind: 'inconclusive',
    why: 'x',
    at: LATER,
  } as const),
  reason: fc.constantFrom<FailureReason>(
    'agent-failed',
    'lost-contact',
    'apply-timeout',
    'unhealthy',
    'effective-mismatch',
    'no-effective-config',
    'never-acknowledged',
  ),
  reverts: fc.nat({ max: 2 }),
  retry: fc.boolean(),
  crossed: fc.boolean(),
  terms: fc.constantFrom(TERMS, QUICK, { ...TERMS, requireEffective: 'always' } as const),
  capabilities: fc.constantFrom(ALL_CAPABILITIES, NO_STATUS, NEITHER, without('ReportsHealth')),
  connected: fc.boolean(),
  synced: fc.boolean(),
  epoch: fc.constantFrom('e1', 'e2'),
  disconnectedAt: fc.option(anyTime),
  lastSeen: anyTime,
  now: anyTime,
});

function situation(s: typeof anySituation extends fc.Arbitrary<infer T> ? T : never) {
  const asked = assigned(
    entry(s.phase, {
      effective: s.effective,
      reverts: s.reverts,
      terms: s.terms,
      ...(s.phase === 'failed' ? { failure: failure(s.reason) } : {}),
      ...(s.retry ? retried : {}),
    }),
    {
      reported: s.report as Agent['report']['reported'],
      health: s.healthy === null ? null : health(s.healthy, s.healthAt),
      effective: effective(s.healthAt),
    },
    s.capabilities,
  );
  const crossed = s.crossed && s.phase === 'offered' ? crossedBy : {};
  const agent = { ...asked, assignment: { ...asked.assignment, ...crossed } };
  const there = presence({
    connected: s.connected,
    synced: s.synced,
    epoch: s.epoch,
    disconnectedAt: s.disconnectedAt,
    lastSeen: s.lastSeen,
  });
  return { agent, presence: there, now: s.now };
}

describe('properties over all situations', () => {
  const RUNS = { numRuns: 5_000 };

  test('twice is once: the second answer is the same object', () => {
    fc.assert(
      fc.property(anySituation, (s) => {
        const { agent, presence, now } = situation(s);
        const once = assess(agent, presence, now);
        expect(assess({ ...agent, ledger: once }, presence, now)).toBe(once);
      }),
      RUNS,
    );
  });

  test('proven is only who says so now, is healthy if it reports health, and is there', () => {
    fc.assert(
      fc.property(anySituation, (s) => {
        const { agent, presence, now } = situation(s);
        const result = assess(agent, presence, now);
        if (result?.phase !== 'proven' || agent.ledger?.phase === 'proven') return;
        const { reported: said, health: felt } = agent.report;
        expect(presence).toMatchObject({ connected: true, synced: true });
        if (s.capabilities !== NO_STATUS && s.capabilities !== NEITHER)
          expect(said).toMatchObject({ hash: B.hash, status: 'APPLIED' });
        else expect(said?.hash === B.hash || result.effective?.kind === 'confirmed').toBe(true);
        if (s.capabilities !== without('ReportsHealth')) expect(felt?.healthy).toBe(true);
        if (s.terms.requireEffective === 'always') expect(result.effective?.kind).toBe('confirmed');
      }),
      RUNS,
    );
  });

  test('an open entry that was sent has a deadline; a settled one has none (I16)', () => {
    fc.assert(
      fc.property(anySituation, (s) => {
        const { agent, presence, now } = situation(s);
        const result = assess(agent, presence, now);
        if (result === null || result === agent.ledger) return;
        const open = !['offered', 'proven', 'failed'].includes(result.phase);
        expect(result.deadline !== null).toBe(open);
        // Verifying, it may have been given up before.
        if (result.phase !== 'verifying') expect(result.failure !== null).toBe(result.phase === 'failed');
        if (result.phase === 'sent' && agent.ledger?.phase !== 'sent') expect(result.receivedAt).toBeNull();
      }),
      RUNS,
    );
  });
});

test('no entry, no judgement', () => {
  const { agent, presence, now } = set('offered', { why: '' });
  expect(assess({ ...agent, ledger: null }, presence, now)).toBeNull();
});
