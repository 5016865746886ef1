import { StoreError, type StoreErrorCode } from './store.ts';

const BUSY = 5;
const CORRUPT = 11;

/** What failures mean to an operator, by SQLite's primary result code (https://www.sqlite.org/rescode.html) or the file system's. */
const MEANINGS: Readonly<Record<string | number, readonly [StoreErrorCode, string]>> = {
  [BUSY]: ['unavailable', 'another program holds the database: stop it, then restart the server'],
  8: ['unavailable', 'the database cannot be written: check permissions and mount options'],
  10: ['unavailable', 'reading or writing failed: check the disk, then restart the server'],
  [CORRUPT]: ['corrupt', 'the database is damaged: check the disk, then restore the newest backup'],
  13: ['unavailable', 'the disk is full: free space, then restart the server'],
  14: ['unavailable', 'the database cannot be opened: check the path and its permissions'],
  19: ['conflict', 'memory and database disagree, as if another server had written: restart this one'],
  26: ['corrupt', 'this is no database: check the path, or restore the newest backup'],
  ENOENT: ['unavailable', 'it cannot be made there: choose another one'],
  EEXIST: ['unavailable', 'this is a file: choose a directory'],
  ENOTDIR: ['unavailable', 'a part of the path is a file: choose a directory'],
  EACCES: ['unavailable', 'it may not be used by this user: check permissions'],
  EROFS: ['unavailable', 'it is on a read-only file system: choose another one'],
};

function reasonOf(error: unknown): string | number {
  if (error instanceof SyntaxError) return CORRUPT; // a row that is no JSON
  const { errcode, code = '' } = error as { errcode?: number; code?: string };
  return errcode === undefined ? code : errcode & 0xff;
}

export function isBusy(error: unknown): boolean {
  return reasonOf(error) === BUSY;
}

/** What a failure of SQLite or of the file system means to the operator of `directory`. */
export function asStoreError(error: unknown, directory: string): StoreError {
  if (error instanceof StoreError) return error;
  const other = ['unavailable', 'the database cannot be used: restart the server'] as const;
  const [code, advice] = MEANINGS[reasonOf(error)] ?? other;
  const detail = error instanceof Error ? error.message : String(error);
  return new StoreError(code, `data directory ${directory}: ${advice} (${detail})`, { cause: error });
}
