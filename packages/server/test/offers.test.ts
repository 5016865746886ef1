/** Offers and their records when the store is slow or cannot be read: a store in the hands of the test. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Change } from '../src/storage/store.ts';
import { applied, edge, Lab, type LabAgent, silent, story, until } from './lab.ts';

const hand = vi.hoisted(() => ({
  beforeCommit: async (_changes: readonly Change[]): Promise<void> => {},
  beforeFiles: async (): Promise<void> => {},
}));

vi.mock('../src/storage/sqlite-store.ts', async (original) => {
  const { openSqliteStore } = await original<typeof import('../src/storage/sqlite-store.ts')>();
  return {
    openSqliteStore: async (options: Parameters<typeof openSqliteStore>[0]) => {
      const store = await openSqliteStore(options);
      const commit = store.commit.bind(store);
      const files = store.files.bind(store);
      return Object.assign(store, {
        commit: (changes: readonly Change[]) => hand.beforeCommit(changes).then(() => commit(changes)),
        files: (hash: string) => hand.beforeFiles().then(() => files(hash)),
      });
    },
  };
});

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.start();
  await lab.edge();
});
afterEach(async () => {
  hand.beforeCommit = async () => {};
  hand.beforeFiles = async () => {};
  await lab[Symbol.asyncDispose]();
  Lab.fatal = undefined;
});

const isSent = (change: Change): boolean => change.kind === 'ledger' && change.row.phase === 'sent';

/** Holds every commit that records a send, until it is released; `reach` waits until so many are recorded. */
function holdSends() {
  const gate = Promise.withResolvers<void>();
  const waiting: number[] = [];
  hand.beforeCommit = async (changes) => {
    const sends = changes.flatMap((change) => (change.kind === 'ledger' && isSent(change) ? [change.row.sends] : []));
    if (sends.length === 0) return;
    waiting.push(...sends);
    await gate.promise;
  };
  const reach = (count: number) =>
    until(
      () => waiting,
      (sends) => sends.length === count,
    );
  return { reach, release: gate.resolve };
}

/** The agent is there again on another connection, before the server has noticed the end of the first. */
async function reconnect(agent: LabAgent): Promise<void> {
  const before = agent.received.length;
  agent.drop();
  await agent.reconnect();
  await until(
    () => agent.received.length,
    (count) => count > before,
  );
}

it('an offer does not leave on a connection that came while its record was written', async () => {
  const agent = await lab.agent(edge).connect();
  await lab.members(1);
  const { reach, release } = holdSends();
  const push = lab.push(story());
  await reach(1);
  agent.deaf = true;
  await reconnect(agent);
  release();
  const { id, hash } = await push;
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(agent.hashes).toEqual([]);
  agent.deaf = false;
  agent.send(agent.fullState());
  expect(await lab.ends(id)).toMatchObject({ state: 'succeeded' });
  expect(agent.hashes).toEqual([hash]);
});

it('an offer that was decided again on the new connection leaves there, once', async () => {
  const agent = await lab.agent({ ...edge, outcome: silent }).connect();
  await lab.members(1);
  const { reach, release } = holdSends();
  const push = lab.push(story());
  await reach(1);
  await reconnect(agent);
  await reach(2);
  release();
  const { id, hash } = await push;
  await until(
    () => agent.offers.length,
    (count) => count > 0,
  );
  // The send on the first connection failed: that must not void the record of the second.
  agent.send(agent.fullState());
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(agent.hashes).toEqual([hash]);
  for (const change of applied(agent.offers[0] as never)) agent.send(agent.change(change));
  expect(await lab.ends(id)).toMatchObject({ state: 'succeeded' });
  expect((await lab.detail(agent.uid)).ledger[0]).toMatchObject({ sends: 2, phase: 'proven' });
});

it('an offer whose texts cannot be read is made when they can', async () => {
  const here = await lab.agent(edge).connect();
  await lab.members(1);
  const { id, hash } = await lab.push(story());
  await lab.ends(id);
  await lab.restart();
  let attempts = 0;
  hand.beforeFiles = async () => {
    attempts += 1;
    if (attempts <= 2) throw new Error('the disk cannot be read');
  };
  await here.reconnect();
  const newcomer = await lab.agent(edge).connect();
  await until(
    () => lab.detail(newcomer.uid),
    ({ state }) => state === 'in-sync',
  );
  expect(attempts).toBeGreaterThan(2);
  expect([here.hashes, newcomer.hashes]).toEqual([[hash], [hash]]);
});

it('what is not stored is not acknowledged: no answer while it is written, and none when that fails: S-051', async () => {
  const agent = await lab.agent(edge).connect();
  await lab.members(1);
  const gate = Promise.withResolvers<void>();
  // Everything that was asked of it is answered.
  await until(
    () => agent.received.at(-1),
    (last) => last?.flags === 0n,
  );
  const before = agent.received.length;
  hand.beforeCommit = () => gate.promise;
  agent.send(agent.change({ health: { healthy: false, lastError: 'full' } }));
  // While that is written: what is said again changes nothing more, and is not durable either.
  await new Promise((resolve) => setTimeout(resolve, 100));
  agent.send(agent.change({ health: { healthy: false, lastError: 'full' } }));
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(agent.received).toHaveLength(before);
  gate.resolve();
  await until(
    () => agent.received.length,
    (count) => count === before + 2,
  );
  hand.beforeCommit = async () => {
    throw new Error('the disk is full');
  };
  Lab.fatal = [];
  agent.send(agent.change({ health: { healthy: true } }));
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(agent.received).toHaveLength(before + 2);
  expect(Lab.fatal).toHaveLength(1);
});

it('an admission and the ledger rows of whom it admits stand in one commit, however much one turn decides (I15)', async () => {
  const count = 30;
  await Promise.all(Array.from({ length: count }, () => lab.agent({ ...edge, outcome: applied }).connect()));
  await lab.members(count);
  const first = await lab.push(story(), { maxInFlight: count });
  await lab.ends(first.id);
  const torn: string[] = [];
  hand.beforeCommit = async (changes) => {
    const rows = new Set(changes.flatMap((change) => (change.kind === 'ledger' ? [change.id] : [])));
    for (const change of changes) {
      if (change.kind !== 'rollout-log' || change.row.event.type !== 'admitted') continue;
      for (const { agent } of change.row.event.agents) if (!rows.has(agent)) torn.push(agent);
    }
  };
  // All run it already, so each is proven as soon as it is admitted, and one turn goes on to the next and the next.
  const again = { group: 'edge', configuration: 'edge', revision: first.number, message: 'again' } as const;
  const { rollouts } = await lab.client.startRollout({ body: { ...again, overrides: { maxInFlight: 1 } } });
  expect(await lab.ends(rollouts[0]?.id ?? '')).toMatchObject({ state: 'succeeded', counts: { proven: count } });
  expect(torn).toEqual([]);
});
