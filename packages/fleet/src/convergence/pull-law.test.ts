import fc from 'fast-check';
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
  T0,
  TERMS,
  without,
} from '../../test/samples.ts';
import type { Agent, Presence } from '../agents/agent.ts';
import { LIMITS } from '../limits.ts';
import { assess } from './assess.ts';
import { assign, retry, unassign, withLedger } from './assignment.ts';
import { markSent } from './entry.ts';
import type { LedgerEntry } from './ledger.ts';
import { decideOffer, HTTP_REDELIVERY, type OfferDecision } from './pull-law.ts';

interface Row {
  readonly why: string;
  readonly entry?: Partial<LedgerEntry> | null;
  readonly phase?: LedgerEntry['phase'];
  readonly agent?: (agent: Agent) => Agent;
  readonly says?: Agent['report']['reported'];
  readonly presence?: Partial<Presence>;
  readonly now?: number;
  readonly answer: OfferDecision;
}

const http = { transport: 'http' } as const;
const onE2 = { epoch: 'e2', fullStateAt: T0 + 1 } as const;
const lost = { failure: { reason: 'lost-contact', message: '', at: T0 } } as const;
const NEVER = { sentAt: null, sentEpoch: null, sends: 0 } as const;
const identity = (over: Partial<Agent['identity']>) => (agent: Agent) => ({
  ...agent,
  identity: { ...agent.identity, ...over },
});
const refusing = (agent: Agent): Agent => ({
  ...agent,
  assignment: {
    ...agent.assignment,
    refused: [{ hash: B.hash, reason: 'agent-failed', message: 'no', at: T0 }],
  },
});

/** The decision table. Without more: B is desired, sent at T0 on WebSocket epoch e1, and the agent names A. */
const TABLE: readonly Row[] = [
  // First offer.
  { why: 'nothing was sent', entry: NEVER, answer: 'offer' },
  { why: 'nothing is desired', entry: null, answer: 'no' },
  { why: 'not connected', entry: NEVER, presence: { connected: false }, answer: 'no' },
  {
    why: 'awaits approval',
    entry: NEVER,
    agent: identity({ admission: 'awaiting-approval' }),
    answer: 'no',
  },
  {
    why: 'in quarantine',
    entry: NEVER,
    agent: identity({ admission: 'quarantined' }),
    answer: 'no',
  },
  { why: 'revoked', entry: NEVER, agent: identity({ admission: 'revoked' }), answer: 'no' },
  {
    why: 'takes no config',
    entry: NEVER,
    agent: identity({ capabilities: without('AcceptsRemoteConfig') }),
    answer: 'no',
  },
  { why: 'refused (I5)', entry: NEVER, agent: refusing, answer: 'no' },
  {
    why: 'state unknown: ask, never guess',
    entry: NEVER,
    presence: { synced: false },
    answer: 'ask-full-state',
  },
  { why: 'names it already', entry: NEVER, says: reported(B, 'APPLIED', T0), answer: 'no' },
  { why: 'is applying it', entry: NEVER, says: reported(B, 'APPLYING', T0), answer: 'no' },
  { why: 'failed on it', entry: NEVER, says: reported(B, 'FAILED', T0), answer: 'no' },
  { why: 'never reported anything', entry: NEVER, says: null, answer: 'offer' },
  { why: 'over HTTP', entry: NEVER, presence: http, answer: 'offer' },
  {
    why: 'no status bit, first time (S-124)',
    entry: NEVER,
    agent: identity({ capabilities: without('ReportsRemoteConfig') }),
    answer: 'offer',
  },
  // Sent, on the same connection.
  { why: 'once on a WebSocket epoch', answer: 'no' },
  { why: 'however long it takes', now: T0 + 1e9, answer: 'no' },
  {
    why: 'with a newer full state too',
    presence: { fullStateAt: T0 + 60_000 },
    now: T0 + 60_001,
    answer: 'no',
  },
  { why: 'it named it', says: reported(B, 'APPLYING', T0 + 1), answer: 'no' },
  {
    why: 'no status bit, second time (S-124)',
    agent: identity({ capabilities: without('ReportsRemoteConfig') }),
    presence: onE2,
    answer: 'no',
  },
  // Sent, and a new epoch.
  { why: 'new epoch, nothing known yet', presence: { ...onE2, fullStateAt: null }, answer: 'ask-full-state' },
  {
    why: 'a full state older than the send',
    presence: { ...onE2, fullStateAt: T0 - 1 },
    answer: 'ask-full-state',
  },
  { why: 'a full state that names another', presence: onE2, answer: 'offer' },
  {
    why: 'a full state that names none',
    presence: onE2,
    says: reported(null, 'UNSET', T0 + 1),
    answer: 'offer',
  },
  {
    why: 'a full state that names it',
    presence: onE2,
    says: reported(B, 'APPLYING', T0 + 1),
    answer: 'no',
  },
  { why: 'a gap after it', presence: { ...onE2, synced: false }, answer: 'ask-full-state' },
  {
    why: 'as often as allowed',
    entry: { sends: LIMITS.sendsPerAssignment },
    presence: onE2,
    answer: 'no',
  },
  { why: 'refused meanwhile', agent: refusing, presence: onE2, answer: 'no' },
  // HTTP: a response can be lost within an epoch.
  { why: 'HTTP, answer may be coming', presence: http, now: T0 + HTTP_REDELIVERY - 1, answer: 'no' },
  {
    why: 'HTTP, silent for long',
    presence: http,
    now: T0 + HTTP_REDELIVERY,
    answer: 'ask-full-state',
  },
  {
    why: 'HTTP, full state too close to the send',
    presence: { ...http, fullStateAt: T0 + HTTP_REDELIVERY - 1 },
    now: T0 + 60_000,
    answer: 'ask-full-state',
  },
  {
    why: 'HTTP, the response was lost, the full state names another: S-044',
    presence: { ...http, fullStateAt: T0 + HTTP_REDELIVERY },
    now: T0 + 60_000,
    answer: 'offer',
  },
  { why: 'HTTP, rebooted', presence: { ...http, ...onE2 }, now: T0 + 2, answer: 'offer' },
  {
    why: 'sent by WebSocket, back by HTTP',
    presence: { ...http, epoch: 'e2', fullStateAt: null },
    answer: 'ask-full-state',
  },
  // Failures that are no refusal: the pair is not condemned, but the place is gone (I1).
  { why: 'given up, and back with A', phase: 'failed', entry: lost, presence: onE2, answer: 'wait-for-place' },
  {
    why: 'given up, and back with none',
    phase: 'failed',
    entry: lost,
    presence: onE2,
    says: reported(null, 'UNSET', T0 + 1),
    answer: 'wait-for-place',
  },
  {
    why: 'given up by the catch-up lane',
    phase: 'failed',
    entry: { ...lost, source: { kind: 'catch-up', group: 'edge' } },
    presence: onE2,
    answer: 'wait-for-place',
  },
  { why: 'given up before it was sent', phase: 'failed', entry: { ...lost, ...NEVER }, answer: 'wait-for-place' },
  {
    why: 'given up, state unknown',
    phase: 'failed',
    entry: lost,
    presence: { ...onE2, fullStateAt: null },
    answer: 'ask-full-state',
  },
  {
    why: 'given up under a pin, which is one agent',
    phase: 'failed',
    entry: { ...lost, source: { kind: 'pin' } },
    presence: onE2,
    answer: 'offer',
  },
  {
    why: 'given up, and back applying it',
    phase: 'failed',
    entry: lost,
    presence: onE2,
    says: reported(B, 'APPLYING', T0),
    answer: 'no',
  },
  // Retry.
  {
    why: 'a retry of what it failed on',
    entry: { ...NEVER, source: { kind: 'retry' } },
    says: reported(B, 'FAILED', T0),
    answer: 'offer',
  },
  {
    why: 'a retry is one offer',
    entry: { source: { kind: 'retry' } },
    says: reported(B, 'FAILED', T0),
    presence: onE2,
    answer: 'no',
  },
];

function decide(row: Omit<Row, 'why' | 'answer'>): OfferDecision {
  const base = assigned(entry(row.phase ?? (row.entry === NEVER ? 'offered' : 'sent'), row.entry ?? {}), {
    reported: row.says === undefined ? reported(A, 'APPLIED', T0 - 5) : row.says,
  });
  const clean = { ...base, assignment: { ...base.assignment, refused: [] } };
  const wanted = row.entry === null ? { ...clean, ledger: null } : clean;
  return decideOffer(row.agent?.(wanted) ?? wanted, presence(row.presence), row.now ?? T0 + 2);
}

describe('decision table', () => {
  test.each(TABLE)('$why: $answer', ({ why: _, answer, ...row }) => expect(decide(row)).toBe(answer));
});

test('who was given up gets nothing more without a place, though it shows itself with the revision meanwhile (I1)', () => {
  const there = presence({ epoch: 'e2', fullStateAt: T0 + 300_000 });
  const back = (said: Said, from: Agent): Agent => {
    const heard = { ...from, report: { ...from.report, reported: said } };
    return withLedger(heard, assess(heard, there, T0 + 300_000));
  };
  const late = back(reported(B, 'APPLIED', T0 + 300_000), assigned(entry('failed', lost)));
  expect(late.ledger).toMatchObject({ phase: 'verifying', failure: lost.failure });
  const again = back(reported(null, 'UNSET', T0 + 300_000), late);
  expect(again.ledger).toMatchObject({ phase: 'failed', failure: { reason: 'lost-contact' } });
  expect(decideOffer(again, there, T0 + 300_000)).toBe('wait-for-place');
  const placed = assign(again, B, { kind: 'catch-up', group: 'edge' }, TERMS, T0 + 300_000);
  expect(decideOffer(placed, there, T0 + 300_000)).toBe('offer');
});

type Said = ReturnType<typeof reported>;

/** What may happen to one agent, in any order. */
type Happening =
  | { readonly do: 'assign'; readonly what: 0 | 1 | 2 }
  | { readonly do: 'retry' | 'unassign' }
  | {
      readonly do: 'report';
      readonly what: 0 | 1 | 2 | 3;
      readonly status: 'APPLYING' | 'APPLIED' | 'FAILED' | 'UNSET';
    }
  | { readonly do: 'reconnect'; readonly full: boolean }
  | { readonly do: 'full-state' | 'gap' | 'drop' }
  | { readonly do: 'wait'; readonly millis: number };

const happening: fc.Arbitrary<Happening> = fc.oneof(
  fc.record({ do: fc.constant('assign' as const), what: fc.constantFrom(0, 1, 2) }),
  fc.record({ do: fc.constantFrom('retry' as const, 'unassign' as const) }),
  fc.record({
    do: fc.constant('report' as const),
    what: fc.constantFrom(0, 1, 2, 3),
    status: fc.constantFrom('APPLYING', 'APPLIED', 'FAILED', 'UNSET'),
  }),
  fc.record({ do: fc.constant('reconnect' as const), full: fc.boolean() }),
  fc.record({ do: fc.constantFrom('full-state' as const, 'gap' as const, 'drop' as const) }),
  fc.record({ do: fc.constant('wait' as const), millis: fc.constantFrom(1, 5_000, 40_000, 130_000) }),
);

interface Sent {
  readonly hash: string;
  readonly epoch: string | null;
  readonly attempt: number;
}

/** One agent and what we know of it; `attempt` grows with each decision that allows a new send. */
interface World {
  readonly agent: Agent;
  readonly there: Presence;
  readonly now: number;
  readonly epochs: number;
  readonly attempt: number;
  /** What was on the way when the assignment was taken back: wanting it again is no new attempt. */
  readonly last: string | null;
}

function assigning(world: World, what: number): World {
  const terms = what === 0 ? QUICK : TERMS;
  const agent = assign(world.agent, [A, B, C][what] ?? A, ROLLOUT, terms, world.now);
  const before = world.agent.ledger?.revision.hash ?? world.last;
  const isNew = before !== agent.ledger?.revision.hash;
  return { ...world, agent, attempt: world.attempt + (isNew ? 1 : 0) };
}

function unassigning(world: World): World {
  const agent = unassign(world.agent, world.now);
  const taken = agent === world.agent ? world.last : (agent.assignment.leftOnTheWay?.hash ?? null);
  return { ...world, agent, last: taken };
}

function retrying(world: World): World {
  const agent = retry(world.agent, world.now);
  return { ...world, agent, attempt: world.attempt + (agent === world.agent ? 0 : 1) };
}

function reporting(world: World, what: number, status: Said['status']): World {
  const said = reported([A, B, C, null][what] ?? null, status, world.now);
  return { ...world, agent: { ...world.agent, report: { ...world.agent.report, reported: said } } };
}

function reconnecting(world: World, full: boolean): World {
  const epoch = `e${world.epochs + 1}`;
  const fullStateAt = full ? world.now : null;
  const there = { ...world.there, connected: true, disconnectedAt: null, epoch, synced: full, fullStateAt };
  return { ...world, there, epochs: world.epochs + 1 };
}

function happen(world: World, event: Happening): World {
  const { there, now } = world;
  switch (event.do) {
    case 'assign':
      return assigning(world, event.what);
    case 'retry':
      return retrying(world);
    case 'unassign':
      return unassigning(world);
    case 'report':
      return reporting(world, event.what, event.status);
    case 'reconnect':
      return reconnecting(world, event.full);
    case 'full-state':
      return { ...world, there: { ...there, synced: true, fullStateAt: now } };
    case 'gap':
      return { ...world, there: { ...there, synced: false } };
    case 'drop':
      return { ...world, there: { ...there, connected: false, disconnectedAt: now } };
    case 'wait':
      return { ...world, now: now + event.millis };
  }
}

type Judge = (agent: Agent, there: Presence, now: number) => Agent;
const asIs: Judge = (agent) => agent;
const judged: Judge = (agent, there, now) => withLedger(agent, assess(agent, there, now));

/** Plays a history; calls `onOffer` before each send, with what was sent before. */
function play(
  transport: 'websocket' | 'http',
  history: readonly Happening[],
  judge: Judge,
  onOffer: (world: World & { readonly ledger: LedgerEntry }, sent: readonly Sent[]) => void,
): void {
  const fresh = { ...agent(), report: { health: health(true, T0), reported: null, effective: null } };
  let world: World = {
    agent: fresh,
    there: presence({ transport }),
    now: T0,
    epochs: 1,
    attempt: 0,
    last: null,
  };
  const sent: Sent[] = [];
  for (const event of history) {
    world = happen({ ...world, now: world.now + 1 }, event);
    if (world.there.connected) world = { ...world, there: { ...world.there, lastSeen: world.now } };
    world = { ...world, agent: judge(world.agent, world.there, world.now) };
    const { agent, there, now, attempt } = world;
    const decision = decideOffer(agent, there, now);
    expect(decideOffer(agent, there, now)).toEqual(decision);
    const { ledger } = agent;
    if (decision !== 'offer' || ledger === null) continue;
    onOffer({ ...world, ledger }, sent);
    sent.push({ hash: ledger.revision.hash, epoch: there.epoch, attempt });
    world = { ...world, agent: withLedger(agent, markSent(ledger, there.epoch ?? '', now)) };
    expect(decideOffer(world.agent, there, now)).not.toBe('offer');
  }
}

describe('properties over random histories', () => {
  const RUNS = { numRuns: 2_000 };
  const histories = fc.array(happening, { maxLength: 40 });
  const anyTransport = fc.constantFrom('websocket' as const, 'http' as const);
  const anyJudge = fc.constantFrom(asIs, judged);

  test('a refused hash is never offered (I5)', () => {
    const refused = new Set<string>();
    fc.assert(
      fc.property(histories, anyTransport, (history, transport) => {
        refused.clear();
        const remembering: Judge = (agent, there, now) => {
          const { source, revision } = agent.ledger ?? {};
          const { reported: said } = agent.report;
          const next = judged(agent, there, now);
          if (said?.status === 'FAILED' && source?.kind !== 'retry') refused.add(said.hash);
          if (source?.kind === 'retry') refused.delete(revision?.hash ?? '');
          return next;
        };
        play(transport, history, remembering, ({ ledger, agent: { assignment } }) => {
          expect(assignment.refused.map(({ hash }) => hash)).not.toContain(ledger.revision.hash);
          expect([...refused]).not.toContain(ledger.revision.hash);
        });
      }),
      RUNS,
    );
  });

  test('never twice in one attempt on one WebSocket epoch, whatever is judged or reassigned', () => {
    fc.assert(
      fc.property(histories, anyJudge, (history, judge) => {
        play('websocket', history, judge, ({ ledger, there, attempt }, sent) => {
          const { hash } = ledger.revision;
          const again = sent.find((one) => one.hash === hash && one.epoch === there.epoch && one.attempt === attempt);
          expect(again).toBeUndefined();
        });
      }),
      RUNS,
    );
  });

  test('never without knowledge: connected, synced, and not what the agent names', () => {
    fc.assert(
      fc.property(histories, anyTransport, anyJudge, (history, transport, judge) => {
        play(transport, history, judge, ({ agent, there, ledger }) => {
          expect(there).toMatchObject({ connected: true, synced: true });
          if (ledger.source.kind !== 'retry') expect(agent.report.reported?.hash).not.toBe(ledger.revision.hash);
          if (ledger.sentAt !== null) expect(there.fullStateAt ?? 0).toBeGreaterThanOrEqual(ledger.sentAt);
        });
      }),
      RUNS,
    );
  });

  test('no more sends than allowed in one attempt, however often the connection ends: S-026', () => {
    fc.assert(
      fc.property(fc.array(happening, { minLength: 60, maxLength: 120 }), anyJudge, (history, judge) => {
        play('http', history, judge, ({ ledger }) => expect(ledger.sends).toBeLessThan(LIMITS.sendsPerAssignment));
      }),
      { numRuns: 300 },
    );
  });

  test('agents without a status get one offer per assignment (S-124)', () => {
    const mute: Judge = (subject) => identity({ capabilities: without('ReportsRemoteConfig') })(subject);
    fc.assert(
      fc.property(histories, (history) => {
        play('websocket', history, mute, ({ ledger, attempt }, sent) => {
          const again = sent.some((one) => one.attempt === attempt && one.hash === ledger.revision.hash);
          expect(again).toBe(false);
        });
      }),
      RUNS,
    );
  });
});
