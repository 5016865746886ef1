/** I14: the server on an older copy of its database says so, once; its agents tell what the copy does not know. */
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { unassignedHash } from '@flaghoist/fleet';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openSqliteStore } from '../src/storage/sqlite-store.ts';
import { applied, edge, Lab, type LabAgent, silent, story, until } from './lab.ts';

vi.setConfig({ testTimeout: 60_000 }); // four starts each

const AGENTS = 3;
let lab: Lab;
let agents: LabAgent[];

beforeEach(async () => {
  lab = await Lab.start();
  await lab.edge();
  agents = Array.from({ length: AGENTS }, () => lab.agent(edge));
  for (const agent of agents) await agent.connect();
  await lab.members(AGENTS);
  await lab.ends((await lab.push(story())).id);
});
afterEach(() => lab[Symbol.asyncDispose]());

const databaseOf = (directory: string): string => join(directory, 'flaghoist.db');

/** The server is stopped, copied, started; everybody gets another revision; then the copy is put back. */
async function travelBack(copyAll: boolean): Promise<string> {
  const copy = `${lab.directory}-copy`;
  const [from, to] = copyAll ? [lab.directory, copy] : [databaseOf(lab.directory), databaseOf(copy)];
  await lab.restart(async () => cpSync(from, to, { recursive: true }));
  for (const agent of agents) await agent.reconnect();
  const { id, hash } = await lab.push(story('otlp/second'));
  expect(await lab.ends(id)).toMatchObject({ state: 'succeeded' });
  await lab.restart(async () => {
    cpSync(to, from, { recursive: true, force: true });
    rmSync(copy, { recursive: true });
  });
  return hash;
}

/** The agents come back and say what they run. */
async function comeBack(hash: string): Promise<void> {
  for (const agent of agents) await agent.reconnect();
  for (const agent of agents) {
    await until(
      () => lab.detail(agent.uid),
      ({ reported }) => reported?.hash === hash,
    );
  }
}

async function travels() {
  await using store = await openSqliteStore({ directory: lab.directory });
  const events = await store.events({ after: 0, limit: 1_000, subject: 'server' });
  return events.filter(({ kind }) => kind === 'server.time-travel').map(({ data }) => data);
}

/** What each agent names although the database never assigned it to it. */
async function unassigned() {
  await using store = await openSqliteStore({ directory: lab.directory });
  const { agents } = await store.load();
  return Promise.all(agents.map(async (agent) => unassignedHash(agent, await store.ledger(agent.identity.id))));
}

test('the database is older than what was committed: an event, once, and agents that name what it does not know', async () => {
  const hash = await travelBack(false);
  await comeBack(hash);
  await lab.server.close();
  expect(await travels()).toEqual([{ missing: expect.any(Number), databaseFrom: expect.any(Number) }]);
  expect(await unassigned()).toEqual(agents.map(() => hash));
  await lab.restart();
  await comeBack(hash);
  await lab.server.close();
  expect(await travels()).toHaveLength(1);
});

test('the older database takes nobody back to what it wanted, also after another start; a new push does (I7, I14)', async () => {
  const hash = await travelBack(false);
  const before = agents.map(({ hashes }) => hashes.length);
  for (let starts = 0; starts < 2; starts += 1) {
    await comeBack(hash);
    await sleep(500);
    await lab.restart();
  }
  await comeBack(hash);
  expect(agents.map(({ hashes }) => hashes.length)).toEqual(before);
  const next = await lab.push(story('otlp/third'));
  expect(await lab.ends(next.id)).toMatchObject({ state: 'succeeded', counts: { proven: AGENTS } });
  expect(agents.map(({ hashes }) => hashes.at(-1))).toEqual(agents.map(() => next.hash));
});

test('the directory is put back as a whole: agents tell all the same', async () => {
  const hash = await travelBack(true);
  for (const agent of agents) agent.outcome = silent; // who is offered the old one stays with what it has
  await comeBack(hash);
  await lab.server.close();
  expect(await travels()).toEqual([]);
  expect(await unassigned()).toEqual(agents.map(() => hash));
});

test('a rollout that was under way stands still, and takes back also whom the older database never knew to have it (I14)', async () => {
  const [slow, ...others] = agents as [LabAgent, ...LabAgent[]];
  const copy = `${lab.directory}-copy`;
  for (const agent of others) agent.drop();
  slow.outcome = silent;
  const { id, hash } = await lab.push(story('otlp/second'), { maxInFlight: 1, maxFailed: '100%', maxLost: '100%' });
  await until(
    () => lab.client.getRollout({ id }),
    ({ counts }) => counts.sent === 1,
  );
  await lab.restart(async () => cpSync(databaseOf(lab.directory), copy));
  slow.outcome = applied;
  for (const agent of agents) await agent.reconnect();
  await until(
    () => Promise.all(others.map(({ uid }) => lab.detail(uid))),
    (seen) => seen.every(({ reported }) => reported?.hash === hash),
  );
  await lab.restart(async () => cpSync(copy, databaseOf(lab.directory), { force: true }));
  for (const agent of agents) await agent.reconnect();
  const paused = await until(
    () => lab.client.getRollout({ id }),
    ({ state, counts, inFlight }) => state === 'paused' && counts.proven + inFlight === AGENTS,
  );
  expect(paused.pause?.reason).toBe('time-travel');
  await lab.client.rollbackRollout({ id, body: { message: 'the copy was too old' } });
  await until(
    () => lab.client.getRollout({ id }),
    ({ state }) => state === 'rolled-back',
  );
  const first = agents[0]?.hashes[0];
  for (const agent of agents) expect((await lab.detail(agent.uid)).reported?.hash).toBe(first);
});

test('nothing was put back: nobody names anything unknown', async () => {
  await lab.restart();
  for (const agent of agents) await agent.reconnect();
  await lab.members(AGENTS);
  await lab.server.close();
  expect(await travels()).toEqual([]);
  expect(await unassigned()).toEqual(agents.map(() => undefined));
});
