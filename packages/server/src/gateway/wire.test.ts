import { ABSENT } from '@flaghoist/fleet';
import { decodeAgentToServer, encodeAgentToServer, newSession, newUuidV7, type Session } from '@flaghoist/opamp';
import { expect, test } from 'vitest';
import { healthOf, presenceOf } from './wire.ts';

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

test('each departure is remembered once, as many as make an agent flapping', () => {
  const there = { ...session('e1'), state: 'online', link: { id: 'c1', transport: 'websocket' } } as Session;
  const gone = (now: number) => ({ heard: false, facts: [], now });
  let seen = presenceOf(ABSENT, there, full);
  expect(seen.departures).toBe(ABSENT.departures);
  for (const now of [10, 20, 30, 40]) {
    seen = presenceOf(seen, session('e1'), gone(now));
    seen = presenceOf(seen, session('e1'), gone(now + 1));
    seen = presenceOf(seen, there, full);
  }
  expect(seen.departures).toEqual([20, 30, 40]);
});

test('a health tree is kept up to a size, whatever it is large by (R13, X26)', () => {
  const loud = '\u0001'.repeat(280);
  const attributes = [{ key: loud, value: { value: { case: 'stringValue' as const, value: loud } } }];
  for (const node of [{ lastError: loud }, { status: loud }, { attributes }]) {
    const components = Object.fromEntries(Array.from({ length: 1_500 }, (_, n) => [`n${n}`, node]));
    const below = { componentHealthMap: components };
    const health = { ...node, componentHealthMap: { a: below, b: below, c: below } };
    const instanceUid = new Uint8Array(16);
    const message = decodeAgentToServer(encodeAgentToServer({ instanceUid, health: health }));
    const kept = healthOf(message.health as NonNullable<typeof message.health>);
    expect(JSON.stringify(kept).length).toBeLessThan(2 * 1024 * 1024);
    expect(Object.keys(kept.components)).toEqual(['a', 'b', 'c']);
  }
});
