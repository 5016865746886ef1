import { StoreError, type StoreErrorCode } from './store.ts';

/** SQLite's primary result codes (https://www.sqlite.org/rescode.html), with what each means to an operator. */
const MEANINGS: ReadonlyMap<number, readonly [StoreErrorCode, string]> = new Map([
  [5, ['unavailable', 'another program holds the database: stop it, then restart the server']],
  [8, ['unavailable', 'the database cannot be written: check permissions and mount options']],
  [10, ['unavailable', 'reading or writing failed: check the disk, then restart the server']],
  [11, ['corrupt', 'the database is damaged: check the disk, then restore the newest backup']],
  [13, ['unavailable', 'the disk is full: free space, then restart the server']],
  [14, ['unavailable', 'the database cannot be opened: check the path and its permissions']],
  [19, ['unavailable', 'memory and database disagree: restart the server, and report this bug']],
  [26, ['corrupt', 'this is no database: check the path, or restore the newest backup']],
]);
/** The file system's own codes. */
const FILE_MEANINGS: Readonly<Record<string, string>> = {
  ENOENT: 'it cannot be made there: choose another one',
  EEXIST: 'this is a file: choose a directory',
  ENOTDIR: 'a part of the path is a file: choose a directory',
  EACCES: 'it may not be used by this user: check permissions',
  EROFS: 'it is on a read-only file system: choose another one',
};
const BUSY = 5;
const CORRUPT = 11;

function resultCode(error: unknown): number {
  if (error instanceof SyntaxError) return CORRUPT; // a column that is no JSON
  return error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0;
}

/** What a failure of SQLite or of the file system means to the operator of `directory`. */
export function asStoreError(error: unknown, directory: string): StoreError {
  if (error instanceof StoreError) return error;
  const other = ['unavailable', 'the database cannot be used: restart the server'] as const;
  const file = FILE_MEANINGS[(error as NodeJS.ErrnoException).code ?? ''];
  const fromFile = file === undefined ? undefined : (['unavailable', file] as const);
  const [code, advice] = MEANINGS.get(resultCode(error)) ?? fromFile ?? other;
  const detail = error instanceof Error ? error.message : String(error);
  return new StoreError(code, `data directory ${directory}: ${advice} (${detail})`, { cause: error });
}

export function isBusy(error: unknown): boolean {
  return resultCode(error) === BUSY;
}
