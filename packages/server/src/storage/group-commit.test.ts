import { expect, test } from 'vitest';
import { GroupCommit, type Written } from './group-commit.ts';
import { LIMITS } from './limits.ts';
import { type Change, StoreError } from './store.ts';

const mark = (name: string, value = 1): readonly Change[] => [{ kind: 'mark', name, value }];

/** A group commit with a clock and a disk that do as they are told. */
function bench() {
  let now = 1_000;
  let timers: { due: number; action: () => void }[] = [];
  const transactions: { names: string[]; done: () => void; fail: (error: unknown) => void }[] = [];
  const observed: Written[] = [];
  const commits = new GroupCommit(
    {
      write: (changes) =>
        new Promise((resolve, reject) => {
          const names = changes.map((change) => (change.kind === 'mark' ? change.name : change.kind));
          transactions.push({ names, done: resolve, fail: reject });
        }),
      observe: (written) => observed.push(written),
    },
    {
      now: () => now,
      after: (delay, action) => {
        const timer = { due: now + delay, action };
        timers.push(timer);
        return () => {
          timers = timers.filter((each) => each !== timer);
        };
      },
    },
  );
  const advance = (millis: number) => {
    now += millis;
    const due = timers.filter((timer) => timer.due <= now);
    timers = timers.filter((timer) => timer.due > now);
    for (const { action } of due) action();
  };
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  const names = () => transactions.map((each) => each.names);
  const last = () => {
    const found = transactions.at(-1);
    if (found === undefined) throw new Error('nothing was written');
    return found;
  };
  return { commits, transactions, observed, advance, settle, names, last, timers: () => timers.length };
}

test('a commit to an idle store is written at once, and resolves only when that is durable', async () => {
  const { commits, names, last, settle } = bench();
  let durable = false;
  const commit = commits.commit(mark('a')).then(() => {
    durable = true;
  });
  expect(names()).toEqual([['a']]);
  await settle();
  expect(durable).toBe(false);
  last().done();
  await commit;
});

test('commits that come while a transaction is written become one', async () => {
  const { commits, names, last, advance, settle, observed } = bench();
  const first = commits.commit(mark('a'));
  const others = [commits.commit(mark('b')), commits.commit(mark('c', 1)), commits.commit(mark('c', 2))];
  advance(LIMITS.commitGap);
  expect(names()).toEqual([['a']]);
  last().done();
  await first;
  await settle();
  expect(names()).toEqual([['a'], ['b', 'c']]);
  last().done();
  await Promise.all(others);
  expect(observed).toEqual([
    { commits: 1, changes: 1, rows: 1, took: LIMITS.commitGap },
    { commits: 3, changes: 3, rows: 2, took: 0 },
  ]);
});

test('commits within the gap wait for its end, by timer', async () => {
  const { commits, names, last, advance, settle, timers } = bench();
  void commits.commit(mark('a'));
  last().done();
  await settle();
  void commits.commit(mark('b'));
  advance(LIMITS.commitGap - 1);
  void commits.commit(mark('c'));
  expect(names()).toEqual([['a']]);
  expect(timers()).toBe(1);
  advance(1);
  expect(names()).toEqual([['a'], ['b', 'c']]);
});

test('a commit after the gap writes what waits, though the timer has not fired', async () => {
  const { commits, names, last, advance, settle, timers } = bench();
  void commits.commit(mark('a'));
  last().done();
  await settle();
  advance(LIMITS.commitGap);
  void commits.commit(mark('b'));
  expect(names()).toEqual([['a'], ['b']]);
  expect(timers()).toBe(0);
});

test('a merged transaction is bounded, a single commit is never split', async () => {
  const { commits, transactions, last, settle, advance } = bench();
  const many = (prefix: string, count: number) =>
    Array.from({ length: count }, (_, index): Change => ({ kind: 'mark', name: `${prefix}${index}`, value: 1 }));
  void commits.commit(mark('first'));
  void commits.commit(many('a', LIMITS.batchChanges * 2));
  void commits.commit(many('b', LIMITS.batchChanges - 1));
  void commits.commit(many('c', 1));
  void commits.commit(many('d', 1));
  const sizes = [];
  for (let turn = 0; turn < 4; turn += 1) {
    sizes.push(last().names.length);
    last().done();
    await settle();
    advance(LIMITS.commitGap);
  }
  expect(sizes).toEqual([1, LIMITS.batchChanges * 2, LIMITS.batchChanges, 1]);
  expect(transactions).toHaveLength(4);
});

test('a failure rejects its batch, what waits and everything later, with the same error', async () => {
  const { commits, transactions, last, settle } = bench();
  const first = commits.commit(mark('a'));
  const waiting = [commits.commit(mark('b')), commits.commit(mark('c'))];
  const reason = new StoreError('unavailable', 'the disk is full');
  last().fail(reason);
  for (const commit of [first, ...waiting]) await expect(commit).rejects.toBe(reason);
  await settle();
  await expect(commits.commit(mark('d'))).rejects.toBe(reason);
  await commits.close(new StoreError('unavailable', 'closed'));
  await expect(commits.commit(mark('e'))).rejects.toBe(reason);
  expect(transactions).toHaveLength(1);
});

test('a failure of another kind becomes a StoreError that keeps its cause', async () => {
  const { commits, last } = bench();
  const first = commits.commit(mark('a'));
  const cause = new DOMException('could not be cloned', 'DataCloneError');
  last().fail(cause);
  await expect(first).rejects.toMatchObject({ name: 'StoreError', code: 'unavailable', cause });
});

test('a write beside commits is under the same rule', async () => {
  const { commits, transactions } = bench();
  expect(await commits.beside(async () => 7)).toBe(7);
  const reason = new StoreError('unavailable', 'the disk is full');
  await expect(commits.beside(() => Promise.reject(reason))).rejects.toBe(reason);
  await expect(commits.commit(mark('a'))).rejects.toBe(reason);
  await expect(commits.beside(async () => 7)).rejects.toBe(reason);
  expect(transactions).toHaveLength(0);
});

test('closing writes what waits without waiting for the gap, and leaves no timer', async () => {
  const { commits, names, last, settle, timers } = bench();
  void commits.commit(mark('a'));
  last().done();
  await settle();
  const late = commits.commit(mark('b'));
  const closing = commits.close(new StoreError('unavailable', 'closed'));
  expect(names()).toEqual([['a'], ['b']]);
  last().done();
  await Promise.all([late, closing]);
  expect(timers()).toBe(0);
  await expect(commits.commit(mark('c'))).rejects.toMatchObject({ message: 'closed' });
});
