import { expect, test } from 'vitest';
import { assigned, entry, presence, T0 } from '../../test/samples.ts';
import { isDue } from './settle.ts';

test.each([
  ['assigned just now', entry('offered', { sentAt: null, offeredAt: T0 }), {}, false],
  ['assigned and not sent in time', entry('offered', { sentAt: null, offeredAt: T0 - 30_000 }), {}, true],
  ['sent, in time', entry('sent', { deadline: T0 + 1 }), {}, false],
  ['sent, and out of time', entry('sent', { deadline: T0 }), {}, true],
] as const)('an agent is looked at again by time alone: %s', (_, ledger, over, expected) => {
  expect(isDue(assigned(ledger), presence(over), T0)).toBe(expected);
});
