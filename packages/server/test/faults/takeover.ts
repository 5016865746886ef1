/** SIGSTOP of the server that leads, in the middle of a push; another takes over; SIGCONT (R7, I1, I3, T-A5). */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Client, createClient } from '@flaghoist/api';
import { applied, applying, edge, LabAgent, story, until } from '../lab.ts';
import { type Random, randomOf } from '../random.ts';
import { newDirectory } from '../storage/crash.ts';
import { expectNothingTwice } from './evidence.ts';

const PROGRAM = fileURLToPath(new URL('./shared-process.ts', import.meta.url));
const AGENTS = 8;
export const LEASE_MS = 2_000;

/** One of those who share the directory. */
class Sharer {
  addresses = { opamp: '', api: '' };
  log = '';
  readonly process: ChildProcess;
  /** Resolves when it leads and has opened its doors. */
  readonly ready: Promise<void>;

  constructor(directory: string) {
    const { FLAGHOIST_FAILPOINT: _, ...env } = process.env;
    this.process = spawn(process.execPath, [PROGRAM, directory, String(LEASE_MS)], { stdio: 'pipe', env });
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.log += text;
    });
    const lines = createInterface(this.process.stdout as NodeJS.ReadableStream);
    this.ready = Promise.race([once(lines, 'line'), once(this.process, 'exit')]).then(([line]) => {
      assert.equal(typeof line, 'string', this.log);
      this.addresses = JSON.parse(line);
    });
  }

  get client(): Client {
    return createClient({ baseUrl: `http://${this.addresses.api}` });
  }

  /** That it said it waits, and for whom. */
  waits(): Promise<string> {
    return until(
      () => this.log,
      (log) => log.includes('this one waits to take over'),
    );
  }

  async kill(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.kill('SIGKILL');
    await once(this.process, 'exit');
  }
}

/** Each row that is about agents and rollouts, as text. */
function rowsIn(directory: string): string {
  using db = new DatabaseSync(path.join(directory, 'flaghoist.db'), { readOnly: true });
  const tables = ['agents', 'agent_reports', 'agent_assignments', 'agent_ledger', 'rollouts', 'rollout_log', 'events'];
  return JSON.stringify(tables.map((table) => db.prepare(`SELECT * FROM ${table}`).all()));
}

const quiet = async <T>(ask: () => T): Promise<T> => {
  let before = ask();
  // A busy machine lets an answer wait for longer than one look.
  for (let looks = 0; looks < 3; ) {
    await sleep(400);
    const now = ask();
    looks = JSON.stringify(now) === JSON.stringify(before) ? looks + 1 : 0;
    before = now;
  }
  return before;
};

/** Returns how long each takeover took, ms, from SIGSTOP to open doors. @throws what did not hold */
export async function takeOver({ times, seed }: Record<'times' | 'seed', number>): Promise<number[]> {
  const random = randomOf(seed);
  const directory = newDirectory();
  const sharers: Sharer[] = [];
  const share = (): Sharer => {
    const sharer = new Sharer(directory);
    sharers.push(sharer);
    return sharer;
  };
  try {
    let leader = share();
    await leader.ready;
    await leader.client.putConfiguration({ name: 'edge', body: {} });
    const group = { selector: 'role=edge', configuration: 'edge', strategy: 'all-at-once' };
    await leader.client.putGroup({ name: 'edge', body: group });
    const agents = Array.from({ length: AGENTS }, () => slowAgent(() => leader, random));
    await Promise.all(agents.map((agent) => agent.connect()));
    await until(
      () => leader.client.getGroup({ name: 'edge' }),
      (group) => group.agents === AGENTS,
    );
    const took: number[] = [];
    for (let count = 1; count <= times; count += 1) {
      const next = share();
      assert.match(await next.waits(), new RegExp(`process ${leader.process.pid}`));
      const { id, hash } = await push(leader.client, `# ${count}\n${story()}`);
      const enough = Math.floor(random() * (AGENTS + 1));
      await until(
        () => agents.filter(({ hashes }) => hashes.at(-1) === hash).length,
        (received) => received >= enough,
      );
      const stopped = leader;
      await stopBetweenCommits(stopped, directory);
      const since = performance.now();
      // What the agents say now, the stopped one will find when it wakes.
      for (const agent of agents) agent.send(agent.change({ health: { healthy: true, status: 'into the void' } }));
      await next.ready;
      took.push(performance.now() - since);
      leader = next;
      await Promise.all(agents.map((agent) => agent.reconnect()));
      const ended = await until(
        () => next.client.getRollout({ id }),
        ({ state }) => state !== 'running',
      );
      assert.deepEqual([ended.state, ended.counts.proven, ended.counts.failed], ['succeeded', AGENTS, 0]);
      assert.deepEqual(new Set(agents.map(({ hashes }) => hashes.at(-1))), new Set([hash]));

      const effects = () => [rowsIn(directory), agents.map(({ received }) => received.length)];
      const before = await quiet(effects);
      stopped.process.kill('SIGCONT');
      const [code] = await once(stopped.process, 'exit');
      assert.equal(code, 1);
      assert.match(stopped.log, /"level":60.*another server has taken over \([^)]*epoch \d+\)/);
      assert.deepEqual(await quiet(effects), before);
      expectNothingTwice(agents);
    }
    for (const agent of agents) agent.drop();
    return took;
  } finally {
    for (const sharer of sharers) await sharer.kill();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** In the middle of a commit SQLite's lock would be stopped with it: nobody could write then before it is dead. */
async function stopBetweenCommits({ process }: Sharer, directory: string): Promise<void> {
  using db = new DatabaseSync(path.join(directory, 'flaghoist.db'), { timeout: 0 });
  for (;;) {
    process.kill('SIGSTOP');
    await sleep(5);
    try {
      db.exec('BEGIN IMMEDIATE; ROLLBACK');
      return;
    } catch {
      process.kill('SIGCONT');
      await sleep(1);
    }
  }
}

/** Takes up to 60 ms to apply. */
function slowAgent(leader: () => Sharer, random: Random): LabAgent {
  const place = {
    get server() {
      return leader();
    },
  };
  const agent: LabAgent = new LabAgent(place, {
    ...edge,
    outcome: (config) => {
      setTimeout(() => {
        if (agent.offers.at(-1) === config) for (const state of applied(config)) agent.send(agent.change(state));
      }, random() * 60);
      return applying(config);
    },
  });
  return agent;
}

async function push(client: Client, body: string): Promise<{ id: string; hash: string }> {
  const { hash, number } = await client.createRevision({
    name: 'edge',
    body: { files: { '': { body } }, message: 'test' },
  });
  const request = { group: 'edge', configuration: 'edge', revision: number, message: 'test' } as const;
  const { rollouts } = await client.startRollout({ body: request });
  return { id: rollouts[0]?.id ?? '', hash };
}
