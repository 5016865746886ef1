import { ABSENT } from '@flaghoist/fleet';
import { newSession, newUuidV7, type Session } from '@flaghoist/opamp';
import { expect, test } from 'vitest';
import { presenceOf } from './wire.ts';

const session = (epoch: string): Session => ({ ...newSession(newUuidV7(0, new Uint8Array(10))), epoch });
const full = { heard: true, facts: [{ kind: 'full-state' }], now: 7 } as const;
const word = { heard: true, facts: [], now: 9 } as const;

test('a full state is known of the epoch that it came on, and of no other', () => {
  const known = presenceOf(ABSENT, session('e1'), full);
  expect(known.fullStateAt).toBe(7);
  expect(presenceOf(known, session('e1'), word).fullStateAt).toBe(7);
  expect(presenceOf(known, session('e2'), word).fullStateAt).toBeNull();
  expect(presenceOf(known, session('e2'), { ...full, now: 9 }).fullStateAt).toBe(9);
});
