/** What every Store must drop, and must not. */
import { expect, test } from 'vitest';
import type { Change, Store } from '../../src/storage/store.ts';
import { AT, event, ledgerEntry, report, rollout, rolloutLog } from './samples.ts';

type Start = () => Promise<{ store: Store; reopened: () => Promise<Store> }>;

const NOTHING_OLD = { eventsAfter: 0, answersSince: 0 };
const digestOf = (n: number): string => n.toString(16).padStart(64, '0');
const text = (n: number): Change => ({ kind: 'text', digest: digestOf(n), body: `text ${n}` });

/** The report of agent n, whose effective config is a text. */
function naming(n: number, template: number): Change {
  const row = report('ok');
  const files = [{ name: '', contentType: '', template: digestOf(template), holes: [], bytes: 1 }];
  return {
    kind: 'agent-report',
    id: `agent-${n}`,
    row: { ...row, effective: { files, digest: digestOf(n), at: AT } },
  };
}

export function describeTrimming(start: Start): void {
  test('trimming drops old events and answers, and numbering goes on even when none is left', async () => {
    const { store, reopened } = await start();
    await store.commit([
      ...Array.from({ length: 5 }, (_, index): Change => ({ kind: 'event', row: event(index + 1) })),
      { kind: 'idempotency', key: 'old', at: AT - 1, answer: 1 },
      { kind: 'idempotency', key: 'new', at: AT, answer: 2 },
    ]);
    expect(await store.trim({ eventsAfter: 3, answersSince: AT })).toBe(4);
    expect((await store.events({ after: 0, limit: 10 })).map(({ seq }) => seq)).toEqual([4, 5]);
    expect(await store.idempotent('old')).toBeUndefined();
    expect(await store.idempotent('new')).toBe(2);
    expect(await store.trim({ eventsAfter: 1, answersSince: 0 })).toBe(4);
    expect(await store.trim({ eventsAfter: 1_000, answersSince: 0 })).toBe(6);

    const again = await reopened();
    expect(await again.load()).toMatchObject({ firstEvent: 6, lastEvent: 5 });
    await again.commit([{ kind: 'event', row: event(6) }]);
    expect(await again.load()).toMatchObject({ firstEvent: 6, lastEvent: 6 });
  });

  test('trimming more than one transaction takes drops everything that it should', async () => {
    const { store } = await start();
    const events = Array.from({ length: 12_000 }, (_, index): Change => ({ kind: 'event', row: event(index + 1) }));
    await store.commit(events);
    expect(await store.trim({ eventsAfter: 11_990, answersSince: 0 })).toBe(11_991);
    expect(await store.events({ after: 0, limit: 100 })).toHaveLength(10);
  });

  test('texts that no report names any more are dropped, the others stay', async () => {
    const { store, reopened } = await start();
    const count = 350;
    const numbers = Array.from({ length: count }, (_, n) => n);
    await store.commit(numbers.flatMap((n) => [text(n), naming(n, n)]));
    await store.commit([{ kind: 'agent-report', id: 'silent', row: { ...report('ok'), effective: null } }]);
    await store.commit(numbers.filter((n) => n % 2 === 0).map((n) => naming(n, 1)));
    await store.commit([{ kind: 'agent-deleted', id: 'agent-349' }]);
    await store.trim(NOTHING_OLD);
    const left = [...(await store.texts(numbers.map(digestOf))).keys()];
    expect(left).toEqual(numbers.filter((n) => n % 2 === 1 && n !== 349).map(digestOf));
    await store.trim(NOTHING_OLD);
    expect((await (await reopened()).texts(left)).size).toBe(left.length);
  });

  test('a text that is named again while others are dropped stays', async () => {
    const { store } = await start();
    const numbers = Array.from({ length: 600 }, (_, n) => n);
    await store.commit(numbers.flatMap((n) => [text(n), naming(n, 0)]));
    const trimmed = store.trim(NOTHING_OLD);
    const named: Promise<void>[] = [];
    for (const n of numbers) named.push(store.commit([text(n), naming(n, n)]));
    await Promise.all([trimmed, ...named]);
    expect((await store.texts(numbers.map(digestOf))).size).toBe(numbers.length);
    await store.trim(NOTHING_OLD);
    expect((await store.texts(numbers.map(digestOf))).size).toBe(numbers.length);
  });

  test('the newest fifty ledger entries of an agent stay', async () => {
    const { store } = await start();
    for (const id of ['a', 'b'])
      for (let n = 1; n <= (id === 'a' ? 60 : 50); n += 1)
        await store.commit([{ kind: 'ledger', id, row: ledgerEntry(n) }]);
    const generations = async (id: string) => (await store.ledger(id)).map(({ generation }) => generation);
    expect(await generations('a')).toEqual(Array.from({ length: 50 }, (_, n) => 60 - n));
    expect(await generations('b')).toHaveLength(50);
  });

  test('logs of old ended rollouts are dropped, those of active ones and of other groups stay', async () => {
    const { store } = await start();
    const put = (n: number, over: object): Change[] => [
      { kind: 'rollout', row: { ...rollout, id: `r-${n}`, createdAt: AT + n, endedAt: AT, ...over } },
      { kind: 'rollout-log', row: { ...rolloutLog, rollout: `r-${n}` } },
    ];
    await store.commit([
      ...put(0, { endedAt: null }),
      ...Array.from({ length: 350 }, (_, n) => put(n + 1, {})).flat(),
      ...put(1_000, { group: 'other', createdAt: AT - 1 }),
    ]);
    await store.trim(NOTHING_OLD);
    const logs = await Promise.all([0, 1, 150, 151, 350, 1_000].map((n) => store.rolloutLog(`r-${n}`)));
    expect(logs.map(({ length }) => length)).toEqual([1, 0, 0, 1, 1, 1]);
    expect((await store.load()).rollouts).toHaveLength(352);
  });
}
