/** What is particular to SQLite in a data directory. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { newDirectory, PROGRAM } from '../../test/storage/crash.ts';
import { ledgerEntry, report } from '../../test/storage/samples.ts';
import { checkSqlite } from './database.ts';
import { openSqliteStore } from './sqlite-store.ts';
import type { Change } from './store.ts';

const posix = process.platform !== 'win32';

/** Makes a database, closes it, and changes it by hand. */
async function tampered(sql: string): Promise<string> {
  const directory = newDirectory();
  const store = await openSqliteStore({ directory });
  await store.commit([
    { kind: 'mark', name: 'kept', value: 1 },
    { kind: 'agent-report', id: 'a', row: report('') },
  ]);
  await store[Symbol.asyncDispose]();
  const db = new DatabaseSync(path.join(directory, 'flaghoist.db'));
  db.exec(sql);
  db.close();
  return directory;
}

test('a second server on a directory is refused at once, and the first goes on', async () => {
  const directory = newDirectory();
  const first = await openSqliteStore({ directory });
  const began = performance.now();
  for (const spelling of [directory, path.join(directory, '..', path.basename(directory))]) {
    await expect(openSqliteStore({ directory: spelling })).rejects.toMatchObject({
      code: 'locked',
      message: expect.stringContaining(directory),
    });
  }
  expect(performance.now() - began).toBeLessThan(3_000);
  await first.commit([{ kind: 'mark', name: 'm', value: 1 }]);
  // Refusing must not have freed the lock of the first for another process (POSIX advisory locks).
  expect(spawnSync(process.execPath, [PROGRAM, directory], { encoding: 'utf8' }).stdout).toMatch(/^refused locked /);
  await first[Symbol.asyncDispose]();
  await using second = await openSqliteStore({ directory });
  expect((await second.load()).marks.get('m')).toBe(1);
});

test('a database of a newer schema is refused, with what to do, and left as it was', async () => {
  const directory = await tampered('PRAGMA user_version = 99');
  await expect(openSqliteStore({ directory })).rejects.toMatchObject({
    code: 'too-new',
    message: expect.stringMatching(/schema 99.*run the newer Flaghoist/),
  });
  const db = new DatabaseSync(path.join(directory, 'flaghoist.db'));
  expect(db.prepare('PRAGMA user_version').get()).toEqual({ user_version: 99 });
  db.exec('PRAGMA user_version = 1');
  db.close();
  await using store = await openSqliteStore({ directory });
  expect((await store.load()).marks.get('kept')).toBe(1);
});

test('a database of another program is refused and not touched', async () => {
  const directory = newDirectory();
  const file = path.join(directory, 'flaghoist.db');
  const db = new DatabaseSync(file);
  db.exec('CREATE TABLE theirs (a)');
  db.close();
  await expect(openSqliteStore({ directory })).rejects.toMatchObject({
    code: 'corrupt',
    message: expect.stringContaining('not made by Flaghoist'),
  });
});

test.each(['not a database at all, but a long enough text '.repeat(100), 'SQLite format 3\u0000'.repeat(1_000)])(
  'a damaged file is refused as corrupt (%#)',
  async (content) => {
    const directory = newDirectory();
    fs.writeFileSync(path.join(directory, 'flaghoist.db'), content);
    await expect(openSqliteStore({ directory })).rejects.toMatchObject({ code: 'corrupt' });
    expect(fs.readFileSync(path.join(directory, 'flaghoist.db'), 'utf8')).toBe(content);
  },
);

test('a damaged row is reported as corrupt when it is read', async () => {
  const directory = await tampered(
    `INSERT INTO agents VALUES ('a', 'u', '{"broken'); INSERT INTO answers VALUES ('k', 1, '{')`,
  );
  await using store = await openSqliteStore({ directory });
  await expect(store.load()).rejects.toMatchObject({ code: 'corrupt' });
  await expect(store.idempotent('k')).rejects.toMatchObject({ code: 'corrupt' });
});

test('a SQLite that can damage databases is refused', () => {
  for (const version of ['3.51.2', '3.50.99', '2.99.99', '3.7.0', '0']) {
    expect(() => checkSqlite(version)).toThrow(expect.objectContaining({ code: 'unsupported-sqlite' }));
  }
  for (const version of ['3.51.3', '3.51.10', '3.53.4', '3.100', '4.0.0']) checkSqlite(version);
  checkSqlite();
});

test.skipIf(!posix)('directory and files are for their user only, also when they were not before', async () => {
  const directory = path.join(newDirectory(), 'new', 'data');
  const modes = () => fs.readdirSync(directory).map((name) => fs.statSync(path.join(directory, name)).mode & 0o777);
  const first = await openSqliteStore({ directory });
  await first.commit([{ kind: 'mark', name: 'm', value: 1 }]);
  expect(fs.readdirSync(directory)).toEqual([
    'flaghoist.commits',
    'flaghoist.db',
    'flaghoist.db-shm',
    'flaghoist.db-wal',
    'flaghoist.lock',
  ]);
  expect(new Set(modes())).toEqual(new Set([0o600]));
  expect(fs.statSync(directory).mode & 0o777).toBe(0o700);
  await first[Symbol.asyncDispose]();

  fs.chmodSync(path.join(directory, 'flaghoist.db'), 0o644);
  await using second = await openSqliteStore({ directory });
  await second.commit([{ kind: 'mark', name: 'm', value: 2 }]);
  expect(new Set(modes())).toEqual(new Set([0o600]));
});

test('a path that is no directory is refused', async () => {
  const file = path.join(newDirectory(), 'file');
  fs.writeFileSync(file, '');
  for (const directory of [file, path.join(file, 'below')]) {
    await expect(openSqliteStore({ directory })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(directory),
    });
  }
});

test.skipIf(!posix)('a directory that cannot be written to is refused, empty or with a database in it', async () => {
  // Permissions do not bind root, so the process that opens it is somebody else then.
  const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  for (const directory of [newDirectory(), await tampered('SELECT 1')]) {
    fs.chmodSync(directory, 0o555);
    for (const name of fs.readdirSync(directory)) fs.chmodSync(path.join(directory, name), 0o444);
    const run = spawnSync(process.execPath, [PROGRAM, directory], { ...nobody, encoding: 'utf8' });
    fs.chmodSync(directory, 0o755);
    expect(run.stdout).toMatch(/^refused unavailable /);
    expect(run.stdout).toContain(directory);
    expect(run.status).toBe(1);
  }
});

test('reads do not wait for a transaction that is being written', async () => {
  await using store = await openSqliteStore({ directory: newDirectory() });
  await store.commit([{ kind: 'text', digest: 'd', body: 'b' }]);
  let written = false;
  const changes = Array.from(
    { length: 60_000 },
    (_, index): Change => ({
      kind: 'text',
      digest: `${index}`,
      body: 'x'.repeat(200),
    }),
  );
  const commit = store.commit(changes).then(() => {
    written = true;
  });
  expect(await store.texts(['d'])).toEqual(new Map([['d', 'b']]));
  expect(written).toBe(false);
  await commit;
});

test('the event loop is never held long while 20,000 rows of 1 KB are written', async () => {
  await using store = await openSqliteStore({ directory: newDirectory() });
  let worst = 0;
  let before = performance.now();
  const heart = setInterval(() => {
    worst = Math.max(worst, performance.now() - before);
    before = performance.now();
  }, 1);
  for (let turn = 0; turn < 40; turn += 1) {
    const commits = Array.from({ length: 250 }, (_, index) => {
      const id = `agent-${turn}-${index}`;
      return store.commit([
        { kind: 'agent-report', id, row: report('ok') },
        { kind: 'ledger', id, row: ledgerEntry(1) },
      ]);
    });
    await Promise.all(commits);
  }
  clearInterval(heart);
  // The bound for the loop as a whole is 250 ms on a busy machine; on a quiet one this takes about 20.
  expect(worst).toBeLessThan(250);
});
