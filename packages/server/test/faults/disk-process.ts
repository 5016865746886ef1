/**
 * For disk.test.ts: pushes to a small fleet again and again, and at the n-th write of each push the disk fails (R4), for
 * n = `from`, `from` + `step`, … until a push is through before. Prints a line of JSON for each push; ends with 1, and why
 * on stderr, when something does not hold.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError } from '@flaghoist/api';
import { openSqliteStore } from '../../src/storage/sqlite-store.ts';
import { StoreError } from '../../src/storage/store.ts';
import { edge, Lab, type LabAgent, story, until } from '../lab.ts';
import { expectLogged, expectNothingTwice } from './evidence.ts';

const AGENTS = 5;

interface Fault {
  /** From now on the `n`-th write to a database in the directory fails. */
  arm(n: number, directory: string): void;
  /** The disk is well again. */
  lift(): void;
}

/** A file system of a few MiB that is full: TMPDIR is one. Half of the writes need a new block of it. */
function fullFileSystem(): Fault {
  const ballast = path.join(tmpdir(), 'ballast');
  return {
    arm(n) {
      const { bavail, bsize } = fs.statfsSync(tmpdir());
      fs.writeFileSync(ballast, Buffer.alloc((bavail - n) * bsize));
    },
    lift: () => fs.rmSync(ballast, { force: true }),
  };
}

/** A limit on the size of files, which the log of the database reaches: a frame has 8,216 bytes and is two writes. */
function limitedFiles(): Fault {
  const limit = (bytes: string) => execFileSync('prlimit', ['--pid', String(process.pid), `--fsize=${bytes}:`]);
  return {
    arm(n, directory) {
      const { size } = fs.statSync(path.join(directory, 'flaghoist.db-wal'));
      limit(String(size + Math.ceil((n * 8_216) / 2)));
    },
    lift: () => limit('unlimited'),
  };
}

/** `failing-disk.c` is preloaded: the very system call fails. */
function failingCalls(error: 'ENOSPC' | 'EIO' | 'EROFS', kind: 'writes' | 'syncs'): Fault {
  const control = process.env['FAILING_DISK'] ?? '';
  const write = (...numbers: number[]) => {
    const descriptor = fs.openSync(control, 'r+');
    fs.writeSync(descriptor, Int32Array.from(numbers));
    fs.closeSync(descriptor);
  };
  // A full or read-only disk stays so; a bad sector is one, and a sync that failed says nothing the next time.
  const stays = error === 'EIO' ? 0 : 1;
  return {
    arm: (n) => write(n, constants.errno[error], stays, kind === 'writes' ? 0 : 1, 0),
    lift: () => write(0),
  };
}

const FAULTS: Readonly<Record<string, () => Fault>> = {
  'full file system': fullFileSystem,
  'limited files': limitedFiles,
  'ENOSPC of a write': () => failingCalls('ENOSPC', 'writes'),
  'EIO of a write': () => failingCalls('EIO', 'writes'),
  'EROFS of a write': () => failingCalls('EROFS', 'writes'),
  'EIO of a sync': () => failingCalls('EIO', 'syncs'),
};

/** What was acknowledged to who pushes, with the keys by which it can be asked for again. */
interface Acknowledged {
  number?: number;
  hash?: string;
  rollout?: string;
}

async function push({ client }: Lab, acknowledged: Acknowledged): Promise<void> {
  const files = { '': { body: story() } };
  const revision = { files, message: 'test' };
  const { number, hash } = await client.createRevision({ name: 'edge', idempotencyKey: 'save', body: revision });
  Object.assign(acknowledged, { number, hash });
  const request = { group: 'edge', configuration: 'edge', revision: number, message: 'test', supersede: true };
  const { rollouts } = await client.startRollout({ idempotencyKey: 'start', body: request });
  acknowledged.rollout = rollouts[0]?.id ?? '';
}

const isUnavailable = (error: unknown): boolean => error instanceof ApiError && error.status === 503;

/** @throws what is no 503 */
function refusal(error: unknown): 'failed' {
  if (isUnavailable(error)) return 'failed';
  throw error;
}

/** The server has said that it failed: it takes nothing more, and agents hear nothing new. */
async function expectRefusing(lab: Lab, agents: readonly LabAgent[]): Promise<void> {
  const before = agents.map(({ offers }) => offers.length);
  const group = { selector: 'role=core', configuration: 'edge' };
  for (const name of ['one', 'two']) await assert.rejects(lab.client.putGroup({ name, body: group }), isUnavailable);
  for (const agent of agents) agent.send(agent.change({ health: { healthy: true, status: 'said too late' } }));
  await sleep(20);
  assert.deepEqual(
    agents.map(({ offers }) => offers.length),
    before,
  );
}

/** Of a stopped server: whatever was acknowledged is on disk. */
async function expectStored(directory: string, { number, hash, rollout }: Acknowledged): Promise<void> {
  await using store = await openSqliteStore({ directory });
  const { revisions, rollouts, groups } = await store.load();
  if (number !== undefined) assert.equal(revisions.find((one) => one.number === number)?.hash, hash);
  if (rollout !== undefined) assert.ok(rollouts.some(({ id }) => id === rollout));
  assert.deepEqual(
    groups.map(({ name }) => name),
    ['edge'],
  );
}

/** Whether the fault came before the push was through. */
async function pushOnFailingDisk(fault: Fault, n: number): Promise<boolean> {
  Lab.fatal = [];
  await using lab = await Lab.start();
  await lab.edge();
  const agents = Array.from({ length: AGENTS }, () => lab.agent(edge));
  for (const agent of agents) await agent.connect();
  await lab.members(AGENTS);
  const acknowledged: Acknowledged = {};
  fault.arm(n, lab.directory);
  try {
    await push(lab, acknowledged).catch(refusal);
    await until(
      async () => {
        if (Lab.fatal?.length || acknowledged.rollout === undefined) return 'failed';
        return lab.client.getRollout({ id: acknowledged.rollout }).then(({ state }) => state, refusal);
      },
      (state) => state !== 'running' && (state === 'succeeded' || Lab.fatal?.length !== 0),
    );
    const [failure] = Lab.fatal;
    if (failure === undefined) return false;
    assert.ok(failure instanceof StoreError && failure.code === 'unavailable', String(failure));
    await expectRefusing(lab, agents);
  } finally {
    fault.lift();
  }
  await lab.server.close().catch(() => undefined);
  await expectStored(lab.directory, acknowledged);
  await expectLogged(lab.directory, agents, new Map());

  Lab.fatal = [];
  await lab.restart();
  for (const agent of agents) agent.drop();
  for (const agent of agents) await agent.reconnect();
  await push(lab, acknowledged);
  assert.equal((await lab.ends(acknowledged.rollout ?? '')).state, 'succeeded');
  assert.deepEqual(
    agents.map(({ hashes }) => hashes.at(-1)),
    agents.map(() => acknowledged.hash),
  );
  expectNothingTwice(agents);
  assert.deepEqual(Lab.fatal, []);
  return true;
}

const [kind = '', from = '1', step = '1'] = process.argv.slice(2);
const fault = FAULTS[kind]?.();
if (fault === undefined) throw new Error(`${kind} is none of ${Object.keys(FAULTS).join(', ')}`);
for (let n = Number(from), failed = true; failed; n += Number(step)) {
  try {
    failed = await pushOnFailingDisk(fault, n);
  } catch (cause) {
    throw new Error(`${kind}, n = ${n}`, { cause });
  }
  console.log(JSON.stringify({ n, failed }));
}
