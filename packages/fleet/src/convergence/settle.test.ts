import { expect, test } from 'vitest';
import { assigned, entry, presence, T0, TERMS } from '../../test/samples.ts';
import { isDue } from './settle.ts';

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
