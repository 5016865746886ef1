/** A creation with an idempotency key happens once, even when the server is killed right after it was durable. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { onceOnly } from '../src/http/once.ts';
import { openSqliteStore } from '../src/storage/sqlite-store.ts';
import type { Change } from '../src/storage/store.ts';
import { Lab, silent, story } from './lab.ts';

const revision = (body: string, idempotencyKey: string) => ({
  name: 'edge',
  idempotencyKey,
  body: { files: { '': { body } }, message: 'm' },
});

describe('over the API', () => {
  let lab: Lab;
  beforeEach(async () => {
    lab = await Lab.start();
    await lab.edge();
  });
  afterEach(() => lab[Symbol.asyncDispose]());

  it('the same key with another body is refused, while the first runs, later, and after a restart', async () => {
    const [one, other] = await Promise.allSettled([
      lab.client.createRevision(revision(story(), 'k')),
      lab.client.createRevision(revision(story('otlp/b'), 'k')),
    ]);
    expect(one).toMatchObject({ status: 'fulfilled', value: { number: 1 } });
    const refusal = {
      code: 'conflict',
      status: 409,
      detail: expect.stringContaining('give this one a new key'),
    };
    expect(other).toMatchObject({ status: 'rejected', reason: refusal });
    await expect(lab.client.createRevision(revision(story('otlp/b'), 'k'))).rejects.toMatchObject(refusal);
    await lab.restart();
    await expect(lab.client.createRevision(revision(story('otlp/b'), 'k'))).rejects.toMatchObject(refusal);
    expect(await lab.client.createRevision(revision(story(), 'k'))).toEqual(
      (one as PromiseFulfilledResult<unknown>).value,
    );
    expect(await lab.client.createRevision(revision(story('otlp/b'), 'k2'))).toMatchObject({ number: 2 });
  });

  it('a repeated start gets the first answer, and one rollout there is', async () => {
    await lab.agent({ labels: { role: 'edge' }, outcome: silent }).connect();
    await lab.members(1);
    await lab.client.createRevision(revision(story(), 'k'));
    const body = { group: 'edge', configuration: 'edge', revision: 1, message: 'm' } as const;
    const first = await lab.client.startRollout({ idempotencyKey: 'k', body });
    expect(await lab.client.startRollout({ idempotencyKey: 'k', body })).toEqual(first);
    await lab.restart();
    expect(await lab.client.startRollout({ idempotencyKey: 'k', body })).toEqual(first);
    expect((await lab.client.listRollouts({})).items.map(({ id }) => id)).toEqual([first.rollouts[0]?.id]);
  });

  it('a refusal is not remembered', async () => {
    await expect(lab.client.createRevision(revision('a: [', 'k'))).rejects.toMatchObject({ status: 422 });
    expect(await lab.client.createRevision(revision(story(), 'k'))).toMatchObject({ number: 1 });
  });
});

it('the key is in the commit of the effect: no crash can part them', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'flaghoist-once-'));
  await using store = await openSqliteStore({ directory });
  const commits: Change[][] = [];
  let waiting: Change[] = [];
  const journal = { write: (...changes: Change[]) => void waiting.push(...changes) };
  const reconciler = {
    flush: async () => {
      commits.push(waiting);
      await store.commit(waiting);
      waiting = [];
    },
  };
  const once = onceOnly({ store, journal, reconciler, now: () => 7 } as never);
  const prepare = async () => () => {
    journal.write({ kind: 'mark', name: 'effect', value: 1 });
    return 'done';
  };
  const run = () => once('thing', { idempotencyKey: 'k', body: { a: 1 } }, prepare);
  expect(await run()).toBe('done');
  expect(commits.map((changes) => changes.map(({ kind }) => kind))).toEqual([['mark', 'idempotency']]);
  expect(await run()).toBe('done');
  expect(commits).toHaveLength(1);
  await rm(directory, { recursive: true, force: true });
});
