/**
 * The files in a data directory, for the server's user only. Those of SQLite are never opened here once they exist: closing
 * any descriptor of a file would drop the locks that SQLite holds on it in this process (POSIX advisory locks).
 */
import fs from 'node:fs';
import path from 'node:path';

/** `lock` is empty, and held by the servers that use the directory; `commits` tells how many commits there were. */
export function dataFiles(directory: string): Readonly<Record<'database' | 'lock' | 'commits', string>> {
  return {
    database: path.join(directory, 'flaghoist.db'),
    lock: path.join(directory, 'flaghoist.lock'),
    commits: path.join(directory, 'flaghoist.commits'),
  };
}

/** Makes the directory and the files that are missing. */
export function makeDataFiles(directory: string): void {
  makeDirectory(directory);
  for (const file of Object.values(dataFiles(directory))) makePrivate(file);
  syncDirectory(directory);
}

/** One by one: where a parent cannot be made, as under /proc, Node's own recursion never returns. */
function makeDirectory(directory: string): void {
  if (fs.existsSync(directory)) return;
  const parent = path.dirname(directory);
  makeDirectory(parent);
  fs.mkdirSync(directory, { mode: 0o700 });
  syncDirectory(parent);
}

/** SQLite gives its `-wal` and `-shm` files the mode of the database. */
function makePrivate(file: string): void {
  try {
    fs.closeSync(fs.openSync(file, 'ax', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if ((fs.statSync(file).mode & 0o077) !== 0) fs.chmodSync(file, 0o600);
  }
}

/** Makes new entries of a directory survive a power cut. */
function syncDirectory(directory: string): void {
  if (process.platform === 'win32') return; // a directory cannot be opened there
  const descriptor = fs.openSync(directory, 'r');
  fs.fsyncSync(descriptor);
  fs.closeSync(descriptor);
}
