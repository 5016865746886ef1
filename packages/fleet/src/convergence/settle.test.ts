import { expect, test } from 'vitest';
import { assigned, B, C, entry, health, presence, QUICK, reported, T0, TERMS, without } from '../../test/samples.ts';
import { isDue, settle } from './settle.ts';

const BRIEF = { sentAt: null, terms: { ...TERMS, deliveryTimeout: 5_000 } };

test.each([
  ['assigned just now', entry('offered', { sentAt: null, offeredAt: T0 }), {}, false],
  ['assigned and not sent in time', entry('offered', { sentAt: null, offeredAt: T0 - 30_000 }), {}, true],
  ['over HTTP it has longer', entry('offered', { sentAt: null, offeredAt: T0 - 89_999 }), { transport: 'http' }, false],
  ['but not for ever', entry('offered', { sentAt: null, offeredAt: T0 - 90_000 }), { transport: 'http' }, true],
  ['its own time is over', entry('offered', { ...BRIEF, offeredAt: T0 - 5_000 }), {}, true],
  ['its own time is not', entry('offered', { ...BRIEF, offeredAt: T0 - 4_999 }), {}, false],
  ['sent, in time', entry('sent', { deadline: T0 + 1 }), {}, false],
  ['sent, and out of time', entry('sent', { deadline: T0 }), {}, true],
] as const)('an agent is looked at again by time alone: %s', (_, ledger, over, expected) => {
  expect(isDue(assigned(ledger), presence(over), T0)).toBe(expected);
});

test('whoever may speak of the time before an earlier send is asked again until it answers, as a question may be lost (I13, I16)', () => {
  const offered = assigned(entry('offered', { sentAt: null, offeredAt: T0 }), { reported: reported(B, 'APPLIED', T0) });
  const leftOnTheWay = { hash: C.hash, epoch: 'e1', sentAt: T0, until: T0 + 1_000 };
  const doubtful = { ...offered, assignment: { ...offered.assignment, leftOnTheWay } };
  const onAnother = (fullStateAt: number | null) => presence({ epoch: 'e2', fullStateAt });
  expect(isDue(doubtful, onAnother(null), T0 + 100)).toBe(true);
  expect(isDue(doubtful, onAnother(T0 + 100), T0 + 200)).toBe(false);
});

test('what an older effective config confirmed is no proof while the newer one is being read (I11)', () => {
  const confirmed = { kind: 'confirmed', why: '', at: T0 } as const;
  const heard = {
    health: health(true, T0 + 50),
    reported: null,
    effective: { files: [], digest: 'other', at: T0 + 50 },
  };
  const sent = entry('sent', { terms: QUICK, effective: confirmed });
  const agent = assigned(sent, heard, without('ReportsRemoteConfig'));
  const here = presence({ fullStateAt: T0 + 50, lastSeen: T0 + 50 });
  const groupOf = () => 'edge';
  const unread = settle(agent, here, { groupOf, verdictOn: () => undefined }, T0 + 60);
  expect(unread.ledger).toMatchObject({ phase: 'sent', effective: null });
  const read = settle(unread, here, { groupOf, verdictOn: () => ({ kind: 'confirmed', why: '' }) }, T0 + 70);
  expect(read.ledger?.phase).toBe('proven');
});

test('a verdict stands while nothing newer was reported, whoever remembers it (a start of the server)', () => {
  const effective = { kind: 'confirmed', why: '', at: T0 + 50 } as const;
  const { ledger, ...rest } = assigned(entry('verifying', { effective }));
  const agent = { ...rest, ledger, report: { ...rest.report, effective: { files: [], digest: 'same', at: T0 + 40 } } };
  const settled = settle(agent, presence(), { groupOf: () => 'edge', verdictOn: () => undefined }, T0 + 60);
  expect(settled.ledger?.effective).toEqual(effective);
});
