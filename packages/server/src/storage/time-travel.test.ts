/** I14: an older copy of the database, put back, is seen at the next start. That a kill is no false alarm: crash.test.ts. */
import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { newDirectory } from '../../test/storage/crash.ts';
import { openSqliteStore } from './sqlite-store.ts';
import { type Change, type Store, TIME_TRAVEL } from './store.ts';

const mark = (name: string): readonly Change[] => [{ kind: 'mark', name, value: 1 }];
const SEEN: readonly Change[] = [{ kind: 'mark', name: TIME_TRAVEL, value: 0 }];

async function commits(store: Store, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) await store.commit(mark(`${n}`));
}

/** Opens the store, does the work, closes it; what it said of time travel when it was loaded. */
async function session(directory: string, work: (store: Store) => Promise<void> = async () => {}) {
  await using store = await openSqliteStore({ directory });
  const { travelled } = await store.load();
  await work(store);
  return travelled;
}

/** The database with what belongs to it, and no other file. */
const databaseFiles = (directory: string) =>
  fs.readdirSync(directory).filter((name) => /^flaghoist\.db(-wal|-shm)?$/.test(name));

/** A copy of the database as a careless person makes it. */
function backUp(directory: string): string {
  const copy = newDirectory();
  for (const name of databaseFiles(directory)) fs.copyFileSync(path.join(directory, name), path.join(copy, name));
  return copy;
}

function putBack(copy: string, directory: string): void {
  for (const name of databaseFiles(directory)) fs.rmSync(path.join(directory, name));
  for (const name of databaseFiles(copy)) fs.copyFileSync(path.join(copy, name), path.join(directory, name));
}

test('an older copy put back says how many commits are missing, until a commit has taken note; then all is well', async () => {
  const directory = newDirectory();
  await session(directory, (store) => commits(store, 3));
  const copy = backUp(directory);
  await session(directory, (store) => commits(store, 7));
  putBack(copy, directory);
  expect(await session(directory)).toEqual({ missing: 7 });
  expect(await session(directory, (store) => commits(store, 2))).toEqual({ missing: 7 });
  expect(await session(directory, (store) => store.commit(SEEN))).toEqual({ missing: 7 });
  expect(await session(directory)).toBeNull();
  expect(await session(directory, (store) => commits(store, 5))).toBeNull();
});

test('so does one that was copied with its -wal while the server ran', async () => {
  const directory = newDirectory();
  let copy = '';
  await session(directory, async (store) => {
    await commits(store, 20);
    copy = backUp(directory);
    await commits(store, 4);
  });
  expect(databaseFiles(copy)).toContain('flaghoist.db-wal');
  putBack(copy, directory);
  expect(await session(directory)).toEqual({ missing: 4 });
});

test('the copy that was replaced, put back in turn, is not taken for the present either', async () => {
  const directory = newDirectory();
  await session(directory, (store) => commits(store, 3));
  const older = backUp(directory);
  await session(directory, (store) => commits(store, 7));
  const newer = backUp(directory);
  putBack(older, directory);
  await session(directory, (store) => store.commit(SEEN));
  putBack(newer, directory);
  expect(await session(directory)).toEqual({ missing: 1 });
});

test('an empty database in the place of one is as old as can be', async () => {
  const directory = newDirectory();
  await session(directory, (store) => commits(store, 3));
  putBack(newDirectory(), directory);
  expect(await session(directory)).toEqual({ missing: 3 });
});

test('a directory put back as a whole looks like itself: only its agents can tell', async () => {
  const directory = newDirectory();
  await session(directory, (store) => commits(store, 3));
  const whole = newDirectory();
  fs.cpSync(directory, whole, { recursive: true });
  await session(directory, (store) => commits(store, 7));
  expect(await session(whole)).toBeNull();
});

test.each(['', 'x', '0000000000000999', '0000000000000999 0000000000000099\n', '0000000000000999 00000000000009'])(
  'what knows of the commits is torn (%j): no alarm, and from the next commit on it knows again',
  async (text) => {
    const directory = newDirectory();
    await session(directory, (store) => commits(store, 3));
    const copy = backUp(directory);
    fs.writeFileSync(path.join(directory, 'flaghoist.commits'), text);
    expect(await session(directory, (store) => commits(store, 2))).toBeNull();
    putBack(copy, directory);
    expect(await session(directory)).toEqual({ missing: 2 });
  },
);

test('a lease that ends further off than a lease can is of a clock that was put back: it is taken', async () => {
  const directory = newDirectory();
  await session(directory);
  const db = new DatabaseSync(path.join(directory, 'flaghoist.db'));
  const lease = (ms: number) => db.exec(`UPDATE leases SET expires_at = unixepoch('subsec') * 1000 + ${ms}`);
  await using store = await openSqliteStore({ directory, shared: true, leaseTime: 1_000 });
  lease(900);
  expect(await store.lead()).toMatchObject({ epoch: 1 });
  lease(3_600_000);
  expect(await store.lead()).toBeNull();
  db.close();
});
