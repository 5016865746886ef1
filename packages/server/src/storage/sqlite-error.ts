import { StoreError, type StoreErrorCode } from './store.ts';

interface Meaning {
  readonly code: StoreErrorCode;
  readonly says: (directory: string) => string;
}

const unavailable = (says: Meaning['says']): Meaning => ({ code: 'unavailable', says });
const corrupt: Meaning = {
  code: 'corrupt',
  says: (directory) =>
    `the database in ${directory} is damaged: restore the newest backup, and check the disk`,
};

/** SQLite's primary result codes (https://www.sqlite.org/rescode.html) that tell an operator what to do. */
const MEANINGS: ReadonlyMap<number, Meaning> = new Map([
  [
    5,
    unavailable(
      (directory) => `another program holds the database in ${directory}: stop it, then restart the server`,
    ),
  ],
  [
    8,
    unavailable(
      (directory) => `the database in ${directory} cannot be written: check permissions and mount options`,
    ),
  ],
  [
    10,
    unavailable(
      (directory) => `reading or writing in ${directory} failed: check the disk, then restart the server`,
    ),
  ],
  [11, corrupt],
  [13, unavailable((directory) => `the disk of ${directory} is full: free space, then restart the server`)],
  [
    14,
    unavailable(
      (directory) => `the database in ${directory} cannot be opened: check the path and its permissions`,
    ),
  ],
  [
    19,
    unavailable(
      (directory) => `memory and database in ${directory} disagree: restart the server, and report this bug`,
    ),
  ],
  [26, corrupt],
]);

const OTHER = unavailable((directory) => `the database in ${directory} failed: restart the server`);

function meaningOf(error: unknown): Meaning {
  if (error instanceof SyntaxError) return corrupt; // a column that is no JSON
  const errcode = error instanceof Error && 'errcode' in error ? Number(error.errcode) : 0;
  return MEANINGS.get(errcode & 0xff) ?? OTHER;
}

/** What a failure of SQLite or of the file system means to the operator of `directory`. */
export function asStoreError(error: unknown, directory: string): StoreError {
  if (error instanceof StoreError) return error;
  const { code, says } = meaningOf(error);
  const detail = error instanceof Error ? error.message : String(error);
  return new StoreError(code, `${says(directory)} (${detail})`, { cause: error });
}

export function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === 5;
}
