/** For tests that kill: processes that commit, and what must hold of what they leave behind. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished } from 'vitest';
import { openSqliteStore } from '../../src/storage/sqlite-store.ts';

export const PROGRAM = fileURLToPath(new URL('./committing-process.ts', import.meta.url));

export function newDirectory(): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'flaghoist-store-'));
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

function start(program: string, args: readonly string[], options: SpawnOptions): Committing {
  const child = spawn(program, args, options);
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

export function commitIn(directory: string): Committing {
  return start(process.execPath, [PROGRAM, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** A write beyond the limit on file sizes fails as a write to a broken disk does. */
export function commitWithin(fileKibibytes: number, directory: string): Committing {
  const shell = `ulimit -f ${fileKibibytes * 2}; exec "$0" "$1" "$2"`;
  return start('sh', ['-c', shell, process.execPath, PROGRAM, directory], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

/** Numbers that stand on complete lines: a last line cut short was not acknowledged. */
export function acknowledged(output: string): number[] {
  const lines = output.split('\n').slice(0, -1);
  return lines.filter((line) => /^\d+$/.test(line)).map(Number);
}

/** Every acknowledged commit is there, and each commit that is there is there as a whole. */
export async function expectWhole(directory: string, acks: readonly number[]): Promise<number> {
  await using store = await openSqliteStore({ directory });
  const { lastEvent, marks, agents, travelled } = await store.load();
  expect(travelled).toBeNull(); // or a kill looked like an older copy put back (I14): what was said of that stays
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

export function expectSound(directory: string): void {
  const db = new DatabaseSync(path.join(directory, 'flaghoist.db'));
  expect(db.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }]);
  db.close();
}

export const kill = (child: Committing): Promise<string> => {
  child.process.kill('SIGKILL');
  return child.output;
};

/** Kills one process after the other on one directory, at random moments while they commit. */
export async function killAgainAndAgain(kills: number): Promise<void> {
  const directory = newDirectory();
  const acks: number[] = [];
  for (let count = 1; count <= kills; count += 1) {
    const child = commitIn(directory);
    await child.started;
    await sleep(Math.random() * 60);
    acks.push(...acknowledged(await kill(child)));
    // In between as well as at the end, because the next process recovers what this one left.
    if (count % 10 === 0) await expectWhole(directory, acks);
  }
  await expectWhole(directory, acks);
  expectSound(directory);
  expect(acks.length).toBeGreaterThan(kills * 10);
}
