import { expect, test } from 'vitest';
import { STORE_LIMITS } from '../limits.ts';
import { type Change, StoreError } from './store.ts';
import { writeQueue } from './write-queue.ts';

const mark = (name: string): readonly Change[] => [{ kind: 'mark', name, value: 1 }];
const marks = (count: number) => Array.from({ length: count }, (_, index) => mark(`${index}`)).flat();

/** A queue with a disk that does as it is told. */
function bench() {
  const transactions: { names: string[]; done: () => void; fail: (error: unknown) => void }[] = [];
  const queue = writeQueue(
    (changes) =>
      new Promise((resolve, reject) => {
        const names = changes.map((change) => (change.kind === 'mark' ? change.name : change.kind));
        transactions.push({ names, done: resolve, fail: reject });
      }),
  );
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  const names = () => transactions.map((each) => each.names);
  const last = () => {
    const found = transactions.at(-1);
    if (found === undefined) throw new Error('nothing was written');
    return found;
  };
  return { queue, transactions, settle, names, last };
}

test('a commit to an idle store is written at once, and resolves only when that is durable', async () => {
  const { queue, names, last, settle } = bench();
  let durable = false;
  const commit = queue.commit(mark('a')).then(() => {
    durable = true;
  });
  await settle();
  expect(names()).toEqual([['a']]);
  expect(durable).toBe(false);
  last().done();
  await commit;
});

test('commits that come while a transaction is written become one, in their order', async () => {
  const { queue, names, last, settle } = bench();
  const first = queue.commit(mark('a'));
  await settle();
  const others = [queue.commit(mark('b')), queue.commit(mark('c'))];
  await settle();
  others.push(queue.commit([...mark('d'), ...mark('b')]));
  expect(names()).toEqual([['a']]);
  last().done();
  await first;
  await settle();
  expect(names()).toEqual([['a'], ['b', 'c', 'd', 'b']]);
  last().done();
  await Promise.all(others);
});

test('a row that is written whole is written once in a transaction, as it was last', async () => {
  const written: (readonly Change[])[] = [];
  const queue = writeQueue(async (changes) => void written.push(changes));
  const report = (id: string, at: number): Change => ({ kind: 'agent-report', id, row: { at } as never });
  const first = queue.commit(mark('a'));
  await new Promise((resolve) => setImmediate(resolve));
  const others = [
    queue.commit([report('one', 1), ...mark('b'), report('other', 1)]),
    queue.commit([report('one', 2), ...mark('b')]),
  ];
  await Promise.all([first, ...others]);
  expect(written[1]).toEqual([...mark('b'), report('other', 1), report('one', 2), ...mark('b')]);
});

test('a merged transaction is bounded, a single commit is never split', async () => {
  const { queue, transactions, last, settle } = bench();
  const most = STORE_LIMITS.batchChanges;
  const commits = [1, most * 2, most - 1, 1, 1].map((count) => queue.commit(marks(count)));
  for (let turn = 0; turn < 4; turn += 1) {
    await settle();
    last().done();
  }
  await Promise.all(commits);
  expect(transactions.map(({ names }) => names.length)).toEqual([1, most * 2, most, 1]);
});

test('a failure rejects its transaction, what waits and everything later, with the same error', async () => {
  const { queue, transactions, last, settle } = bench();
  const first = queue.commit(mark('a'));
  await settle();
  const waiting = [queue.commit(mark('b')), queue.commit(mark('c')), queue.run(async () => 7)];
  const reason = new StoreError('unavailable', 'the disk is full');
  last().fail(reason);
  for (const write of [first, ...waiting]) await expect(write).rejects.toBe(reason);
  await expect(queue.commit(mark('d'))).rejects.toBe(reason);
  await expect(queue.run(async () => 7)).rejects.toBe(reason);
  expect(transactions).toHaveLength(1);
});

test('another kind of write takes its turn, and its failure is final too', async () => {
  const { queue, names, last, settle } = bench();
  const commit = queue.commit(mark('a'));
  let ran = false;
  const run = queue.run(async () => {
    ran = true;
    return 7;
  });
  await settle();
  expect(ran).toBe(false);
  last().done();
  await commit;
  expect(await run).toBe(7);

  const reason = new StoreError('unavailable', 'the disk is full');
  await expect(queue.run(() => Promise.reject(reason))).rejects.toBe(reason);
  await expect(queue.commit(mark('b'))).rejects.toBe(reason);
  expect(names()).toEqual([['a']]);
});
