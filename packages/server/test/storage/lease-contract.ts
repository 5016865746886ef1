/** What every Store must hold to when several are open on one database (A.8 "Leader", R7). */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import type { Change, Store } from '../../src/storage/store.ts';
import { AT, agent, assignment, changesOf, event, rollout, rolloutLog } from './samples.ts';

/** An empty place for one database, and how to open what is in it, again and again. */
export interface Place {
  open(): Promise<Store>;
  /** Beside others that were opened so, with leases of that many milliseconds. */
  share(leaseTime: number): Promise<Store>;
  remove(): Promise<void>;
}

const LEASE_MS = 150;
const NOTHING_OLD = { eventsAfter: 0, answersSince: 0 };
const mark = (name: string): readonly Change[] => [{ kind: 'mark', name, value: 1 }];
const marksOf = async (store: Store): Promise<string[]> => [...(await store.load()).marks.keys()];

export function describeLease(newPlace: () => Promise<Place>): void {
  /** Opens stores that share a database. */
  async function start() {
    const place = await newPlace();
    const stores: Store[] = [];
    onTestFinished(async () => {
      for (const store of stores) await store[Symbol.asyncDispose]();
      await place.remove();
    });
    return async () => {
      const store = await place.share(LEASE_MS);
      stores.push(store);
      return store;
    };
  }

  const expired = () => sleep(LEASE_MS + 20);

  test('without the lease nothing is written', async () => {
    const open = await start();
    const store = await open();
    expect(store.leads()).toBe(false);
    await expect(store.commit(mark('m'))).rejects.toMatchObject({ code: 'fenced' });
    expect(await marksOf(store)).toEqual([]);
  });

  test('one has it, the other hears who and until when; it is renewed', async () => {
    const open = await start();
    const [first, second] = [await open(), await open()];
    expect(await first.lead()).toBeNull();
    expect(first.leads()).toBe(true);
    const held = await second.lead();
    expect(held).toMatchObject({ epoch: 1, holder: expect.stringContaining(String(process.pid)) });
    expect(Math.abs((held?.expiresAt ?? 0) - Date.now() - LEASE_MS)).toBeLessThan(100);
    await sleep(LEASE_MS / 2);
    expect(await first.lead()).toBeNull();
    await sleep(LEASE_MS / 2 + 20);
    const later = await second.lead();
    expect(later?.expiresAt).toBeGreaterThan(held?.expiresAt ?? 0);
    await first.commit(mark('first'));
    expect(await marksOf(second)).toEqual(['first']);
  });

  test('nobody else wants it: run out it is still its holder’s, who only cannot be sure of that', async () => {
    const open = await start();
    const store = await open();
    await store.lead();
    await expired();
    expect(store.leads()).toBe(false);
    await store.commit(mark('late'));
    expect(await store.lead()).toBeNull();
    expect(store.leads()).toBe(true);
    expect(await marksOf(store)).toEqual(['late']);
  });

  test('run out it can be taken; who had it writes nothing more, whatever it tries', async () => {
    for (const attempt of [
      (store: Store) => store.commit([...mark('too late'), { kind: 'event', row: event(2) }]),
      (store: Store) => store.commit([]),
      (store: Store) => store.trim({ eventsAfter: 1, answersSince: AT }),
      (store: Store) => store.lead(),
    ]) {
      const open = await start();
      const [first, second] = [await open(), await open()];
      await first.lead();
      await first.commit([...mark('first'), { kind: 'event', row: event(1) }]);
      await expired();
      expect(await second.lead()).toBeNull();
      expect(await marksOf(second)).toEqual(['first']);
      await second.commit(mark('second'));

      const reason = await attempt(first).then(
        () => 'done',
        (error: unknown) => error,
      );
      expect(reason).toMatchObject({ name: 'StoreError', code: 'fenced', message: expect.stringContaining('epoch 2') });
      await expect(first.commit(mark('more'))).rejects.toBe(reason);
      await expect(first.lead()).rejects.toBe(reason);
      expect(await marksOf(second)).toEqual(['first', 'second']);
      expect(await second.load()).toMatchObject({ firstEvent: 1, lastEvent: 1 });
      await second.trim(NOTHING_OLD);
      expect(await second.lead()).toBeNull();
    }
  });

  test('taken in the middle of commits: a beginning of them is there, the rest failed as fenced', async () => {
    const open = await start();
    const [first, second] = [await open(), await open()];
    await first.lead();
    await expired();
    let written = 0;
    const commitOn = async (): Promise<never> => {
      for (;;) {
        await first.commit(mark(`m${written}`));
        written += 1;
      }
    };
    const stopped = commitOn().catch((error: unknown) => error);
    while (written < 20) await sleep(1);
    expect(await second.lead()).toBeNull();
    const before = await marksOf(second);
    expect(await stopped).toMatchObject({ code: 'fenced' });
    expect(before).toHaveLength(written);
    expect(await marksOf(second)).toEqual(before);
  });

  test('a clean close gives it up at once', async () => {
    const open = await start();
    const [first, second] = [await open(), await open()];
    await first.lead();
    const early = first.commit(mark('early'));
    await first[Symbol.asyncDispose]();
    await early;
    expect(await second.lead()).toBeNull();
    expect(await marksOf(second)).toEqual(['early']);
  });

  test('who closes gives up only what is its own', async () => {
    const open = await start();
    const [first, second, third] = [await open(), await open(), await open()];
    await first.lead();
    await expired();
    await second.lead();
    await first[Symbol.asyncDispose]();
    expect(await third.lead()).toMatchObject({ epoch: 2 });
  });

  describeConflicts(start);
}

/** Lease or no lease: what two servers would both write, only one can. */
function describeConflicts(start: () => Promise<() => Promise<Store>>): void {
  test.each<[string, readonly Change[]]>([
    ['a version of a rollout that is there', [{ kind: 'rollout-log', row: { ...rolloutLog, at: AT + 1 } }]],
    ['the summary of a rollout, of that version', [{ kind: 'rollout', row: { ...rollout, message: 'other' } }]],
    ['the summary of a rollout, of an older one', [{ kind: 'rollout', row: { ...rollout, version: 6 } }]],
    ['an older assignment of an agent', [{ kind: 'agent-assignment', id: 'a', row: assignment(2) }]],
    ['an event of that number', [{ kind: 'event', row: { ...event(1), author: 'other' } }]],
  ])('%s fails the whole commit as a conflict', async (_, changes) => {
    const open = await start();
    const store = await open();
    await store.lead();
    await store.commit([
      { kind: 'rollout-log', row: rolloutLog },
      { kind: 'rollout', row: rollout },
      { kind: 'event', row: event(1) },
      ...changesOf({ ...agent('a', 'ab'.repeat(16)), assignment: assignment(3), ledger: null }),
    ]);
    const before = await store.load();
    await expect(store.commit([...mark('too late'), ...changes])).rejects.toMatchObject({ code: 'conflict' });
    await expect(store.commit(mark('more'))).rejects.toMatchObject({ code: 'conflict' });
    expect(await store.load()).toEqual(before);
    expect(await store.rolloutLog('r-1')).toEqual([rolloutLog]);
  });
}
