/** Opens the connections: one that writes and holds the directory, one that reads. */
import { DatabaseSync } from 'node:sqlite';
import { STORE_LIMITS } from '../limits.ts';
import { dataFiles, makeDataFiles } from './data-directory.ts';
import { migrate } from './migrations.ts';
import { isBusy } from './sqlite-error.ts';
import { StoreError } from './store.ts';

/** 3.7.0 to 3.51.2 can corrupt a database when the write-ahead log is reset under two connections. */
const OLDEST_SQLITE = '3.51.3';

/** Rows of 1 KB are written in two thirds of the time that they take with the default of 4,096. */
const PAGE_BYTES = 8_192;

/** @throws StoreError `unsupported-sqlite` */
export function checkSqlite(version = process.versions['sqlite'] ?? '0'): void {
  if (version.localeCompare(OLDEST_SQLITE, 'en', { numeric: true }) >= 0) return;
  throw new StoreError(
    'unsupported-sqlite',
    `this Node brings SQLite ${version}, which can damage a database: use Node 24.15.0 or newer, with SQLite ${OLDEST_SQLITE} or newer`,
  );
}

/**
 * Alone, or with others who share it as well. The kernel drops the lock with the process, however it ends: nothing stale is
 * left behind.
 */
function holdDirectory(directory: string, shared: boolean): DatabaseSync {
  const holder = new DatabaseSync(dataFiles(directory).lock, { timeout: 0 });
  try {
    const lock = shared ? 'BEGIN; SELECT count(*) FROM sqlite_schema' : 'BEGIN EXCLUSIVE';
    holder.exec(`PRAGMA journal_mode = MEMORY; ${lock}`);
    return holder;
  } catch (error) {
    holder.close();
    if (!isBusy(error)) throw error;
    throw new StoreError(
      'locked',
      `another Flaghoist server uses the data directory ${directory}: stop it, or give this one a directory of its own`,
      { cause: error },
    );
  }
}

interface Place {
  readonly directory: string;
  readonly shared: boolean;
}

/** `opened` closes it. @throws StoreError, or an error of SQLite or the file system. */
export function openWriter({ directory, shared }: Place, opened: DisposableStack): DatabaseSync {
  checkSqlite();
  makeDataFiles(directory);
  opened.use(holdDirectory(directory, shared));
  const db = opened.use(new DatabaseSync(dataFiles(directory).database, { timeout: STORE_LIMITS.busyWait }));
  db.exec(`
    PRAGMA page_size = ${PAGE_BYTES};
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA fullfsync = ON;
    PRAGMA checkpoint_fullfsync = ON;
    PRAGMA journal_size_limit = ${STORE_LIMITS.walBytes};
    PRAGMA cache_size = ${-STORE_LIMITS.cacheBytes / 1024};
  `);
  migrate(db, directory);
  return db;
}

/** To be opened after the writer, which makes the tables. */
export function openReader(directory: string, opened: DisposableStack): DatabaseSync {
  const options = { timeout: STORE_LIMITS.busyWait, readOnly: true };
  const db = opened.use(new DatabaseSync(dataFiles(directory).database, options));
  db.exec(`PRAGMA cache_size = ${-STORE_LIMITS.cacheBytes / 1024}`);
  return db;
}
