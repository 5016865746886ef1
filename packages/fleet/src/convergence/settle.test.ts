import { expect, test } from 'vitest';
import { assigned, entry, presence, T0 } from '../../test/samples.ts';
import { isDue } from './settle.ts';

test.each([
  ['assigned and not sent', entry('offered'), {}, true],
  ['sent on this connection', entry('sent', { sentEpoch: 'e1' }), { epoch: 'e1' }, false],
  ['sent on a connection that is gone', entry('sent', { sentEpoch: 'e1' }), { epoch: 'e2' }, true],
  ['the same, but away', entry('sent', { sentEpoch: 'e1' }), { connected: false, epoch: 'e2' }, false],
  ['proven', entry('proven'), {}, false],
] as const)('an agent is looked at again by time alone: %s', (_, ledger, over, expected) => {
  const near = { ...ledger, deadline: ledger.deadline === null ? null : T0 + 60_000 };
  expect(isDue(assigned(near), presence(over), T0)).toBe(expected);
});
