/** What has been acknowledged is there after the worst end that a process can have (R2, R4). */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { openSqliteStore } from './sqlite-store.ts';

const KILLS = 25;
const PROGRAM = fileURLToPath(new URL('./committing-process.ts', import.meta.url));

function newDirectory(): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'flaghoist-crash-'));
  onTestFinished(() => fs.rmSync(directory, { recursive: true, force: true }));
  return directory;
}

interface Committing {
  readonly process: ChildProcess;
  /** Resolves when the first commit is acknowledged, or the process has ended. */
  readonly started: Promise<void>;
  /** Resolves to everything that it printed. */
  readonly output: Promise<string>;
}

function watch(child: ChildProcess): Committing {
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  let text = '';
  const started = Promise.withResolvers<void>();
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    if (text.includes('\n')) started.resolve();
  });
  const output = once(child, 'close').then(() => {
    started.resolve();
    return text;
  });
  return { process: child, started: started.promise, output };
}

function commitIn(directory: string): Committing {
  return watch(spawn(process.execPath, [PROGRAM, directory], { stdio: ['ignore', 'pipe', 'inherit'] }));
}

/** Numbers that stand on complete lines: a last line cut short was not acknowledged. */
function acknowledged(output: string): number[] {
  const lines = output.split('\n').slice(0, -1);
  return lines.filter((line) => /^\d+$/.test(line)).map(Number);
}

/** Every acknowledged commit is there, and each commit that is there is there as a whole. */
async function expectWhole(directory: string, acks: readonly number[]): Promise<number> {
  await using store = await openSqliteStore({ directory });
  const { lastEvent, marks, agents } = await store.load();
  const events = await store.events({ after: 0, limit: Number.MAX_SAFE_INTEGER });
  const present = new Set(events.map(({ seq }) => seq));
  expect(acks.filter((seq) => !present.has(seq))).toEqual([]);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  expect(marks.get('last') ?? 0).toBe(lastEvent);
  for (const { report, ledger } of agents) expect(report.health?.status).toBe(`commit ${ledger?.sends}`);
  const texts = await store.texts(events.map(({ seq }) => `commit ${seq}`));
  expect(texts.size).toBe(events.length);
  return lastEvent;
}

function expectSound(directory: string): void {
  const db = new DatabaseSync(path.join(directory, 'flaghoist.db'));
  expect(db.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }]);
  db.close();
}

test(`${KILLS} times kill -9 in the middle of commits: nothing acknowledged is lost, nothing is half there`, async () => {
  const directory = newDirectory();
  const acks: number[] = [];
  for (let kill = 0; kill < KILLS; kill += 1) {
    const child = commitIn(directory);
    await child.started;
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 60));
    child.process.kill('SIGKILL');
    acks.push(...acknowledged(await child.output));
    // In between as well as at the end, because the next process recovers what this one left.
    if (kill % 5 === 0) await expectWhole(directory, acks);
  }
  await expectWhole(directory, acks);
  expectSound(directory);
  expect(acks.length).toBeGreaterThan(KILLS * 10);
}, 60_000);

test('kill -9 while the database is being made: the next start goes on', async () => {
  for (const delay of [0, 20, 40, 60, 80, 100, 120, 150, 200]) {
    const directory = newDirectory();
    const child = commitIn(directory);
    await new Promise((resolve) => setTimeout(resolve, delay));
    child.process.kill('SIGKILL');
    await expectWhole(directory, acknowledged(await child.output));
    expectSound(directory);
  }
}, 30_000);

test('a running server is the only one on its directory; kill -9 sets the directory free at once', async () => {
  const directory = newDirectory();
  const child = commitIn(directory);
  await child.started;
  await expect(openSqliteStore({ directory })).rejects.toMatchObject({
    name: 'StoreError',
    code: 'locked',
    message: expect.stringContaining(directory),
  });
  child.process.kill('SIGKILL');
  const acks = acknowledged(await child.output);
  expect(await expectWhole(directory, acks)).toBeGreaterThanOrEqual(Math.max(...acks));
});

test.skipIf(process.platform === 'win32')(
  'when writing fails, at whatever size of its files, it says so, acknowledges nothing more, and recovers',
  async () => {
    for (const kibibytes of [0, 4, 64, 200, 1_000, 3_000]) {
      const directory = newDirectory();
      // A write beyond the limit of file sizes fails as a write to a broken disk does.
      const shell = `ulimit -f ${kibibytes * 2}; exec "$0" "$1" "$2"`;
      const child = watch(
        spawn('sh', ['-c', shell, process.execPath, PROGRAM, directory], {
          stdio: ['ignore', 'pipe', 'ignore'],
        }),
      );
      const output = await child.output;
      expect(output.trimEnd().split('\n').at(-1)).toMatch(/^refused unavailable .*flaghoist-crash-.*/);
      expect(output.match(/refused/g)).toHaveLength(1);
      await expectWhole(directory, acknowledged(output));
      expectSound(directory);
    }
  },
  60_000,
);
