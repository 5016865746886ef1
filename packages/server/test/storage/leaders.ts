/**
 * Two engines on one database, again and again: one leads, is stopped in the middle of what it does, as by SIGSTOP, another
 * takes over and goes on with the rollout, the first one wakes (R7, I1, I3). The statements are the real ones on real files;
 * only the threads around them are left out, so that a seed decides what comes after what.
 */
import assert from 'node:assert/strict';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { written } from '../../src/storage/columns.ts';
import { openReader } from '../../src/storage/database.ts';
import { readOperations } from '../../src/storage/reader.ts';
import { asStoreError } from '../../src/storage/sqlite-error.ts';
import type { Change } from '../../src/storage/store.ts';
import { writeQueue } from '../../src/storage/write-queue.ts';
import { openToWrite } from '../../src/storage/writer.ts';
import { type Random, randomOf } from '../random.ts';
import { newDirectory } from './crash.ts';
import { AT, assignment, ledgerEntry, rollout } from './samples.ts';

const MAX_IN_FLIGHT = 3;
const LEASE_MS = 3_600_000;

/** What engines did that can be seen from outside: offers, each with who sent it. */
interface Sent {
  readonly agent: string;
  readonly by: number;
}

/** A database with one rollout, and those who look at it without writing. */
function newWorld(random: Random) {
  const opened = new DisposableStack();
  const directory = newDirectory();
  const start = { directory, shared: true, role: 'writer', holder: 'nobody', leaseTime: 1 } as const;
  const first = openToWrite(start, opened);
  first.lead();
  first.commit([written({ kind: 'rollout', row: { ...rollout, version: 0 } })]);
  const read = readOperations(openReader(directory, opened));
  const hand = opened.use(new DatabaseSync(path.join(directory, 'flaghoist.db')));
  hand.exec('PRAGMA synchronous = OFF');
  const changed = hand.prepare('PRAGMA data_version');
  return {
    directory,
    random,
    read,
    sent: [] as Sent[],
    /** As if the holder's time had passed. */
    expire: () => hand.exec('UPDATE leases SET expires_at = 0'),
    /** Has the engine of that epoch believe rightly that it leads. */
    enthrone: (epoch: number) => hand.exec(`UPDATE leases SET epoch = ${epoch}`),
    epoch: () => Number(hand.prepare('SELECT epoch FROM leases').get()?.['epoch']),
    /** Another value once anybody else has written. */
    changed: () => changed.get()?.['data_version'],
    close: () => opened.dispose(),
  };
}
type World = ReturnType<typeof newWorld>;

/** In flight and admitted so far, as the log tells: what a leader loads. */
function foldLog({ read }: World) {
  const log = read.rolloutLog('r-1');
  assert.deepEqual(
    log.map(({ version }) => version),
    log.map((_, index) => index + 1),
  );
  const admitted: string[] = [];
  const inFlight = new Set<string>();
  for (const { event } of log) {
    for (const { agent } of event.type === 'admitted' ? event.agents : []) {
      admitted.push(agent);
      inFlight.add(agent);
    }
    for (const { agent } of event.type === 'observed' ? event.changes : []) inFlight.delete(agent);
    assert.ok(inFlight.size <= MAX_IN_FLIGHT, `I1: ${inFlight.size} in flight`);
  }
  assert.equal(new Set(admitted).size, admitted.length, 'an agent was admitted twice');
  return { version: log.length, admitted: admitted.length, inFlight };
}

/** Loads once it leads, decides by memory alone, sends what has become durable. */
class Engine {
  readonly #world: World;
  readonly #opened = new DisposableStack();
  readonly #operations: ReturnType<typeof openToWrite>;
  /** Where it is stopped. */
  gate: Promise<void> = Promise.resolve();
  readonly #queue = writeQueue(async (changes) => {
    await this.gate;
    this.#operations.commit(changes.map(written));
  });
  #memory = { version: 0, admitted: 0, inFlight: new Set<string>() };
  epoch = 0;

  constructor(world: World) {
    this.#world = world;
    const start = { shared: true, role: 'writer', holder: 'engine', leaseTime: LEASE_MS } as const;
    this.#operations = openToWrite({ ...start, directory: world.directory }, this.#opened);
  }

  /** Whether it leads now. */
  lead(): boolean {
    if (this.#operations.lead() !== null) return false;
    this.#memory = foldLog(this.#world);
    this.epoch = this.#world.epoch();
    return true;
  }

  renew = () => this.#queue.run(async () => this.#operations.lead());
  trim = () => this.#queue.run(async () => this.#operations.trim({ eventsAfter: 0, answersSince: 0 }));

  /** A turn: some of those in flight are proven, as many as may be are admitted. */
  async turn(): Promise<void> {
    const { random, sent } = this.#world;
    const { inFlight } = this.#memory;
    const changes: Change[] = [];
    const fold = (event: Extract<Change, { kind: 'rollout-log' }>['row']['event']): void => {
      const version = ++this.#memory.version;
      changes.push({ kind: 'rollout-log', row: { rollout: 'r-1', version, at: AT, author: 'engine', event } });
      changes.push({ kind: 'rollout', row: { ...rollout, version } });
    };
    const proven = [...inFlight].filter(() => random() < 0.5);
    for (const agent of proven) inFlight.delete(agent);
    const observed = proven.map((agent) => ({ agent, state: 'proven', reason: null, message: '' }) as const);
    if (proven.length > 0) fold({ type: 'observed', changes: observed });
    const agents: { agent: string; late: boolean }[] = [];
    while (inFlight.size < MAX_IN_FLIGHT) {
      const agent = `a-${++this.#memory.admitted}`;
      agents.push({ agent, late: false });
      inFlight.add(agent);
    }
    if (agents.length > 0) fold({ type: 'admitted', agents });
    for (const { agent: id } of agents) {
      changes.push({ kind: 'agent-assignment', id, row: assignment(1) });
      changes.push({ kind: 'ledger', id, row: { ...ledgerEntry(1), phase: 'sent', sends: this.epoch } });
    }
    await this.#queue.commit(changes);
    for (const { agent } of agents) sent.push({ agent, by: this.epoch });
  }

  close(): void {
    this.#opened.dispose();
  }

  /** As a clean stop does it. */
  async stop(): Promise<void> {
    await this.#queue.run(async () => this.#operations.giveUp());
    this.close();
  }
}

/** Every offer that left stands in the log and in the ledger, by whom it was sent, once (I3, I5). */
function expectRecorded({ read, sent }: World): void {
  const { admitted } = foldLog({ read } as World);
  assert.equal(new Set(sent.map(({ agent }) => agent)).size, sent.length, 'an agent was sent it twice');
  for (const { agent, by } of sent.slice(-50)) {
    assert.ok(Number(agent.slice(2)) <= admitted);
    assert.equal(read.ledger(agent)[0]?.sends, by);
  }
}

/** How one who was stopped learns of it when it wakes. */
async function wake(zombie: Engine, random: Random): Promise<void> {
  const ways = [() => zombie.turn(), zombie.renew, zombie.trim];
  const tried = Array.from({ length: 1 + Math.floor(random() * 3) }, () => ways[Math.floor(random() * 3)]?.());
  for (const each of await Promise.allSettled(tried)) {
    assert.equal(each.status, 'rejected');
    assert.equal(each.reason.code, 'fenced');
  }
}

/** So often on one database, whose log is read at each start. */
const PER_WORLD = 100;

async function inWorlds(times: number, random: Random, run: (world: World, times: number) => Promise<void>) {
  let offers = 0;
  for (let left = times; left > 0; left -= PER_WORLD) {
    const world = newWorld(random);
    await run(world, Math.min(left, PER_WORLD));
    expectRecorded(world);
    offers += world.sent.length;
    world.close();
  }
  return offers;
}

function newLeader(world: World): Engine {
  const engine = new Engine(world);
  world.expire();
  assert.ok(engine.lead());
  return engine;
}

/** Returns how many offers left. @throws what did not hold */
export function stallLeaders({ times, seed }: Record<'times' | 'seed', number>): Promise<number> {
  const random = randomOf(seed);
  return inWorlds(times, random, async (world, many) => {
    let leader = newLeader(world);
    for (let count = 1; count <= many; count += 1) {
      for (let turns = Math.floor(random() * 3); turns > 0; turns -= 1) await leader.turn();
      const next = new Engine(world);
      if (random() < 0.2) assert.equal(next.lead(), false);
      if (random() < 0.1) {
        await leader.stop();
        assert.ok(next.lead());
      } else await stallAndWake(world, leader, next);
      leader = next;
    }
    leader.close();
  });
}

async function stallAndWake(world: World, leader: Engine, next: Engine): Promise<void> {
  const { random } = world;
  const { promise, resolve } = Promise.withResolvers<void>();
  leader.gate = promise;
  // What it asked for before it was stopped was not written yet.
  const asked = Promise.allSettled(Array.from({ length: Math.floor(random() * 3) }, () => leader.turn()));
  world.expire();
  assert.ok(next.lead());
  for (let turns = Math.floor(random() * 2); turns > 0; turns -= 1) await next.turn();
  const before = [world.changed(), world.sent.length];
  resolve();
  for (const { status } of await asked) assert.equal(status, 'rejected');
  await wake(leader, random);
  assert.deepEqual([world.changed(), world.sent.length], before, 'effects of one who leads no more');
  leader.close();
}

/** Two who both believe that they lead, and whom no lease stops. Returns how often one met the other. @throws what did not hold */
export async function ignoreLeases({ times, seed }: Record<'times' | 'seed', number>): Promise<number> {
  const random = randomOf(seed);
  let conflicts = 0;
  await inWorlds(times, random, async (world, many) => {
    const engines = [newLeader(world), newLeader(world)];
    for (let count = 1; count <= many; count += 1) {
      const at = random() < 0.5 ? 0 : 1;
      const engine = engines[at] as Engine;
      world.enthrone(engine.epoch);
      const outcome = await engine.turn().catch((error: unknown) => error);
      if (outcome === undefined) continue;
      assert.equal(asStoreError(outcome, world.directory).code, 'conflict');
      conflicts += 1;
      engine.close();
      world.enthrone(Math.max(...engines.map(({ epoch }) => epoch)));
      engines[at] = newLeader(world);
    }
    for (const engine of engines) engine.close();
  });
  return conflicts;
}
