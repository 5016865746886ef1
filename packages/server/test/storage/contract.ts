/** What every Store must do, whatever it is made of. */
import { deepStrictEqual } from 'node:assert/strict';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Change, type Store, StoreError } from '../../src/storage/store.ts';
import { describeLease, type Place } from './lease-contract.ts';
import {
  AT,
  agent,
  alert,
  assignment,
  changesOf,
  configuration,
  delivery,
  event,
  files,
  group,
  identity,
  ledgerEntry,
  oddKeys,
  report,
  revision,
  rollout,
  rolloutLog,
  strategy,
  unwritable,
  webhook,
} from './samples.ts';
import { describeTrimming } from './trimming-contract.ts';

const UID = '0192'.repeat(8);
const OTHER_UID = '0193'.repeat(8);

export function describeStore(name: string, newPlace: () => Promise<Place>): void {
  /** A store whose `reopened` closes it and opens the same database again. */
  async function start() {
    const place = await newPlace();
    let store = await place.open();
    onTestFinished(async () => {
      await store[Symbol.asyncDispose]();
      await place.remove();
    });
    const reopened = async () => {
      await store[Symbol.asyncDispose]();
      store = await place.open();
      return store;
    };
    return { store, reopened };
  }

  describe(name, () => {
    test('an empty store loads as nothing, with the journal before its first event', async () => {
      const { store } = await start();
      deepStrictEqual(await store.load(), {
        configurations: [],
        revisions: [],
        strategies: [],
        groups: [],
        agents: [],
        rollouts: [],
        alerts: [],
        webhooks: [],
        deliveries: [],
        marks: new Map(),
        firstEvent: 1,
        lastEvent: 0,
        travelled: null,
      });
      expect(await store.files('none')).toBeNull();
      expect(await store.ledger('none')).toEqual([]);
      expect(await store.texts(['none'])).toEqual(new Map());
      expect(await store.rolloutLog('none')).toEqual([]);
      expect(await store.events({ after: 0, limit: 10 })).toEqual([]);
      expect(await store.idempotent('none')).toBeUndefined();
    });

    test('an alert is replaced; deliveries are deleted, and go with their webhook', async () => {
      const { store, reopened } = await start();
      const resolved = { ...alert, resolvedAt: AT + 2, held: [] };
      await store.commit([
        { kind: 'alert', row: alert },
        { kind: 'webhook', row: webhook },
        { kind: 'webhook', row: { ...webhook, name: 'other' } },
        { kind: 'delivery', row: delivery('a', 1) },
        { kind: 'delivery', row: delivery('b', 1, 'other') },
        { kind: 'delivery', row: delivery('c', 2, 'other') },
      ]);
      await store.commit([
        { kind: 'alert', row: resolved },
        { kind: 'webhook-deleted', name: 'oncall' },
        { kind: 'delivery-deleted', id: 'b' },
      ]);
      const { alerts, webhooks, deliveries } = await (await reopened()).load();
      deepStrictEqual(alerts, [resolved]);
      deepStrictEqual(webhooks, [{ ...webhook, name: 'other' }]);
      deepStrictEqual(deliveries, [delivery('c', 2, 'other')]);
    });

    test('every kind of row comes back as it was written, at once and after reopening', async () => {
      const { store, reopened } = await start();
      const written = agent('a-1', UID);
      await store.commit([
        { kind: 'configuration', row: configuration },
        { kind: 'revision', row: revision, files },
        { kind: 'group', row: group },
        ...changesOf(written),
        { kind: 'text', digest: 'd', body: 'zeile\u0000\r\n日本🚩' },
        { kind: 'text', digest: 'empty', body: '' },
        { kind: 'rollout', row: rollout },
        { kind: 'rollout-log', row: rolloutLog },
        { kind: 'alert', row: alert },
        { kind: 'webhook', row: webhook },
        { kind: 'delivery', row: delivery('b', 1) },
        { kind: 'delivery', row: delivery('a', 2) },
        { kind: 'strategy', row: { ...strategy, name: 'gone' } },
        { kind: 'strategy', row: strategy },
        { kind: 'strategy-deleted', name: 'gone' },
        { kind: 'event', row: event(1) },
        { kind: 'mark', name: '__proto__', value: AT + 0.5 },
        { kind: 'mark', name: '', value: -1 },
        { kind: 'idempotency', key: 'größe', at: AT, answer: { status: 201, body: oddKeys(null) } },
        { kind: 'idempotency', key: 'null', at: AT, answer: null },
      ]);
      for (const next of [async () => store, reopened]) {
        const each = await next();
        deepStrictEqual(await each.load(), {
          configurations: [configuration],
          revisions: [revision],
          strategies: [strategy],
          groups: [group],
          agents: [written],
          rollouts: [rollout],
          alerts: [alert],
          webhooks: [webhook],
          deliveries: [delivery('b', 1), delivery('a', 2)],
          marks: new Map([
            ['', -1],
            ['__proto__', AT + 0.5],
          ]),
          firstEvent: 1,
          lastEvent: 1,
          travelled: null,
        });
        deepStrictEqual(await each.files(revision.hash), files);
        deepStrictEqual(await each.ledger('a-1'), [written.ledger]);
        deepStrictEqual(
          await each.texts(['d', 'empty', 'none']),
          new Map([
            ['d', 'zeile\u0000\r\n日本🚩'],
            ['empty', ''],
          ]),
        );
        deepStrictEqual(await each.rolloutLog('r-1'), [rolloutLog]);
        deepStrictEqual(await each.events({ after: 0, limit: 10 }), [event(1)]);
        deepStrictEqual(await each.idempotent('größe'), { status: 201, body: oddKeys(null) });
        expect(await each.idempotent('null')).toBeNull();
      }
    });

    test('a later row of a key replaces the earlier one, in one commit and over several', async () => {
      const { store } = await start();
      const second = { ...group, priority: 2 };
      await store.commit([
        ...changesOf(agent('a-1', UID)),
        { kind: 'group', row: group },
        { kind: 'group', row: second },
        { kind: 'mark', name: 'm', value: 1 },
        { kind: 'mark', name: 'm', value: 2 },
      ]);
      await store.commit([
        { kind: 'agent-report', id: 'a-1', row: report('later') },
        { kind: 'configuration', row: { ...configuration, description: '1' } },
      ]);
      await store.commit([
        { kind: 'configuration', row: { ...configuration, description: '2' } },
        { kind: 'rollout', row: rollout },
        { kind: 'rollout', row: { ...rollout, state: 'succeeded', endedAt: AT, version: 8 } },
        { kind: 'idempotency', key: 'k', at: AT, answer: 1 },
        { kind: 'idempotency', key: 'k', at: AT, answer: 2 },
      ]);
      const loaded = await store.load();
      expect(loaded.groups).toEqual([second]);
      expect(loaded.marks).toEqual(new Map([['m', 2]]));
      expect(loaded.agents).toEqual([{ ...agent('a-1', UID), report: report('later') }]);
      expect(loaded.configurations.map(({ description }) => description)).toEqual(['2']);
      expect(loaded.rollouts.map(({ state, endedAt }) => [state, endedAt])).toEqual([['succeeded', AT]]);
      expect(await store.idempotent('k')).toBe(2);
    });

    test('a list that fails in its middle writes nothing, and nothing is taken after it', async () => {
      const { store, reopened } = await start();
      await store.commit([{ kind: 'mark', name: 'before', value: 1 }]);
      const failed = store.commit([
        { kind: 'mark', name: 'same', value: 1 },
        { kind: 'event', row: event(1) },
        unwritable,
        { kind: 'mark', name: 'same too', value: 1 },
      ]);
      const reason = await failed.catch((error: unknown) => error);
      expect(reason).toBeInstanceOf(StoreError);
      await expect(store.commit([{ kind: 'mark', name: 'after', value: 1 }])).rejects.toBe(reason);
      expect((await store.load()).marks).toEqual(new Map([['before', 1]]));

      const again = await reopened();
      expect(await again.load()).toMatchObject({ marks: new Map([['before', 1]]), lastEvent: 0 });
      await again.commit([{ kind: 'mark', name: 'after', value: 1 }]);
    });

    test('rows that never change are refused a second time', async () => {
      const again: readonly Change[] = [
        { kind: 'revision', row: { ...revision, hash: 'other' }, files },
        { kind: 'rollout-log', row: { ...rolloutLog, at: AT + 1 } },
        { kind: 'event', row: { ...event(1), author: 'somebody else' } },
      ];
      for (const change of again) {
        const { store } = await start();
        await store.commit([
          { kind: 'revision', row: revision, files },
          { kind: 'rollout-log', row: rolloutLog },
          { kind: 'event', row: event(1) },
        ]);
        await expect(store.commit([change])).rejects.toBeInstanceOf(StoreError);
        expect((await store.load()).revisions).toEqual([revision]);
        expect(await store.rolloutLog('r-1')).toEqual([rolloutLog]);
        expect(await store.events({ after: 0, limit: 10 })).toEqual([event(1)]);
      }
    });

    test('files and texts are stored once: storing them again changes nothing', async () => {
      const { store } = await start();
      await store.commit([
        { kind: 'text', digest: 'd', body: 'one' },
        { kind: 'revision', row: revision, files },
      ]);
      await store.commit([
        { kind: 'text', digest: 'd', body: 'one' },
        { kind: 'revision', row: { ...revision, number: 2 }, files },
      ]);
      expect(await store.texts(['d'])).toEqual(new Map([['d', 'one']]));
      expect(await store.files(revision.hash)).toEqual(files);
      expect((await store.load()).revisions.map(({ number }) => number)).toEqual([1, 2]);
    });

    test('the ledger keeps one entry per generation, newest first, and loads the present one', async () => {
      const { store } = await start();
      await store.commit(changesOf(agent('a-1', UID)));
      for (const generation of [2, 3, 10]) {
        await store.commit([
          { kind: 'agent-assignment', id: 'a-1', row: assignment(generation) },
          { kind: 'ledger', id: 'a-1', row: ledgerEntry(generation) },
        ]);
      }
      const proven = { ...ledgerEntry(10), phase: 'proven' } as const;
      await store.commit([{ kind: 'ledger', id: 'a-1', row: proven }]);
      expect((await store.ledger('a-1')).map(({ generation }) => generation)).toEqual([10, 3, 2, 1]);
      expect((await store.load()).agents[0]?.ledger).toEqual(proven);

      await store.commit([{ kind: 'agent-assignment', id: 'a-1', row: assignment(11) }]);
      expect((await store.load()).agents[0]?.ledger).toBeNull();
    });

    test('an agent of which only the identity is known has reported nothing and is assigned nothing', async () => {
      const { store } = await start();
      await store.commit([{ kind: 'agent-identity', row: identity('a-1', UID) }]);
      deepStrictEqual((await store.load()).agents, [
        {
          identity: identity('a-1', UID),
          report: { health: null, reported: null, effective: null },
          assignment: { generation: 0, refused: [], proven: [], leftOnTheWay: null },
          ledger: null,
        },
      ]);
    });

    test('agents share the revisions that they have alike, and have been proven on nothing by rows of before', async () => {
      const { store } = await start();
      const { proven: _, ...older } = assignment(1);
      await store.commit([
        ...changesOf(agent('a-1', UID)),
        ...changesOf(agent('a-2', OTHER_UID)),
        { kind: 'agent-assignment', id: 'a-3', row: older as ReturnType<typeof assignment> },
        { kind: 'agent-identity', row: identity('a-3', UID.replace('0', '1')) },
      ]);
      const [one, two, three] = (await store.load()).agents;
      expect(one?.assignment.proven).toHaveLength(1);
      expect(two?.assignment.proven[0]).toBe(one?.assignment.proven[0]);
      expect(two?.ledger?.revision).toBe(one?.ledger?.revision);
      expect(three?.assignment).toMatchObject({ generation: 1, proven: [] });
    });

    test('a deleted agent leaves no row behind and its instance uid is free, even in the same commit', async () => {
      const { store } = await start();
      await store.commit([...changesOf(agent('a-1', UID)), ...changesOf(agent('a-2', OTHER_UID))]);
      await store.commit([
        { kind: 'agent-report', id: 'a-1', row: report('last words') },
        { kind: 'agent-deleted', id: 'a-1' },
        ...changesOf(agent('a-3', UID)),
      ]);
      expect((await store.load()).agents).toEqual([agent('a-2', OTHER_UID), agent('a-3', UID)]);
      expect(await store.ledger('a-1')).toEqual([]);

      await store.commit([{ kind: 'agent-identity', row: identity('a-1', 'ff'.repeat(16)) }]);
      expect((await store.load()).agents[0]?.assignment.generation).toBe(0);
    });

    test('an instance uid is one agent at a time, and can move from one to another', async () => {
      const { store } = await start();
      await store.commit([
        { kind: 'agent-identity', row: identity('a-1', UID) },
        { kind: 'agent-identity', row: identity('a-1', OTHER_UID) },
        { kind: 'agent-identity', row: identity('a-2', UID) },
        { kind: 'agent-identity', row: { ...identity('a-1', OTHER_UID), capabilities: 1 } },
      ]);
      const uids = (await store.load()).agents.map(({ identity }) => identity.instanceUid);
      expect(uids).toEqual([OTHER_UID, UID]);
      await expect(store.commit([{ kind: 'agent-identity', row: identity('a-3', UID) }])).rejects.toBeInstanceOf(
        StoreError,
      );
    });

    test('a deleted configuration takes its revisions along, keeps the files, and its name is free', async () => {
      const { store } = await start();
      await store.commit([
        { kind: 'configuration', row: configuration },
        { kind: 'revision', row: revision, files },
        { kind: 'revision', row: { ...revision, configuration: 'edge-2' }, files },
        { kind: 'group', row: group },
      ]);
      await store.commit([
        { kind: 'group-deleted', name: 'edge' },
        { kind: 'configuration-deleted', name: 'edge' },
      ]);
      const loaded = await store.load();
      expect(loaded).toMatchObject({ configurations: [], groups: [] });
      expect(loaded.revisions.map((each) => each.configuration)).toEqual(['edge-2']);
      expect(await store.files(revision.hash)).toEqual(files);

      await store.commit([
        { kind: 'configuration', row: configuration },
        { kind: 'revision', row: revision, files },
      ]);
      expect((await store.load()).configurations).toEqual([configuration]);
    });

    test('what is loaded is in order: names, revision numbers, agent ids, rollouts by age', async () => {
      const { store } = await start();
      const names = ['b', 'c', 'a'];
      await store.commit([
        ...names.map((each): Change => ({ kind: 'configuration', row: { ...configuration, name: each } })),
        ...names.map((each): Change => ({ kind: 'group', row: { ...group, name: each } })),
        ...names.map((each): Change => ({ kind: 'agent-identity', row: identity(each, each) })),
        ...[10, 9, 2].map((number): Change => ({ kind: 'revision', row: { ...revision, number }, files })),
        ...names.map((id, age): Change => ({ kind: 'rollout', row: { ...rollout, id, createdAt: AT - age } })),
      ]);
      const loaded = await store.load();
      expect(loaded.configurations.map((each) => each.name)).toEqual(['a', 'b', 'c']);
      expect(loaded.groups.map((each) => each.name)).toEqual(['a', 'b', 'c']);
      expect(loaded.agents.map((each) => each.identity.id)).toEqual(['a', 'b', 'c']);
      expect(loaded.revisions.map((each) => each.number)).toEqual([2, 9, 10]);
      expect(loaded.rollouts.map((each) => each.id)).toEqual(['a', 'c', 'b']);
    });

    test('the log of a rollout comes back by version, each rollout by itself', async () => {
      const { store } = await start();
      const logs = [10, 1, 2].map((version) => ({ ...rolloutLog, version }));
      await store.commit([
        ...logs.map((row): Change => ({ kind: 'rollout-log', row })),
        { kind: 'rollout-log', row: { ...rolloutLog, rollout: 'other' } },
      ]);
      expect((await store.rolloutLog('r-1')).map(({ version }) => version)).toEqual([1, 2, 10]);
    });

    test('events come in order, after a number, so many, of one subject', async () => {
      const { store } = await start();
      const subject = (seq: number) => (seq % 2 === 0 ? 'group/edge' : 'group/edge-2');
      await store.commit(
        Array.from(
          { length: 12 },
          (_, index): Change => ({ kind: 'event', row: event(index + 1, subject(index + 1)) }),
        ),
      );
      const seqs = async (query: Parameters<Store['events']>[0]) => (await store.events(query)).map(({ seq }) => seq);
      expect(await seqs({ after: 8, limit: 10 })).toEqual([9, 10, 11, 12]);
      expect(await seqs({ after: 8, limit: 2 })).toEqual([9, 10]);
      expect(await seqs({ after: 4, limit: 3, subject: 'group/edge' })).toEqual([6, 8, 10]);
      expect(await seqs({ after: 12, limit: 10 })).toEqual([]);
      expect(await store.load()).toMatchObject({ firstEvent: 1, lastEvent: 12 });
    });

    describeTrimming(start);
    describeLease(newPlace);

    test('concurrent commits are applied in the order in which they were asked for', async () => {
      const { store, reopened } = await start();
      const count = 500;
      const commits = Array.from({ length: count }, (_, index) =>
        store.commit([
          { kind: 'event', row: event(index + 1) },
          { kind: 'mark', name: 'last', value: index + 1 },
        ]),
      );
      await Promise.all(commits);
      const again = await reopened();
      expect(await again.load()).toMatchObject({ lastEvent: count, marks: new Map([['last', count]]) });
    });

    test('closing writes what was asked for before, and takes nothing after', async () => {
      const { store, reopened } = await start();
      const early = [1, 2, 3].map((seq) => store.commit([{ kind: 'event', row: event(seq) }]));
      const again = await reopened();
      await Promise.all(early);
      expect(await again.load()).toMatchObject({ lastEvent: 3 });
      await expect(store.commit([])).rejects.toMatchObject({ code: 'unavailable' });
      await expect(store.load()).rejects.toMatchObject({ code: 'unavailable' });
      await store[Symbol.asyncDispose]();
    });
  });
}
