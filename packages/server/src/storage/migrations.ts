/** Brings a database to the present schema, one numbered step per transaction: a killed migration resumes (R25). */
import type { DatabaseSync } from 'node:sqlite';
import { firstTables } from './migrations/0001-first-tables.ts';
import { StoreError } from './store.ts';
import { transaction } from './transaction.ts';

/** Step n leads to schema version n + 1. Steps that were released are never edited. */
const STEPS: readonly string[] = [firstTables];

/** `FHST`, in the header of every database of ours. */
const APPLICATION_ID = 0x46485354;

function pragma(db: DatabaseSync, name: 'application_id' | 'user_version'): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name]);
}

function checkOurs(db: DatabaseSync, directory: string): void {
  const tables = db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n'];
  const id = pragma(db, 'application_id');
  if (id === APPLICATION_ID || (id === 0 && tables === 0)) return;
  throw new StoreError(
    'corrupt',
    `the database in ${directory} was not made by Flaghoist: give the server a data directory of its own`,
  );
}

/** @throws StoreError `too-new` for a database that a newer version has migrated, `corrupt` for a foreign one. */
export function migrate(db: DatabaseSync, directory: string): void {
  checkOurs(db, directory);
  const present = pragma(db, 'user_version');
  if (present > STEPS.length) {
    throw new StoreError(
      'too-new',
      `the database in ${directory} has schema ${present}, and this Flaghoist knows schemas up to ${STEPS.length}: ` +
        'run the newer Flaghoist that wrote it, or restore the backup from before the upgrade',
    );
  }
  for (const [index, step] of STEPS.entries()) {
    transaction(db, 'IMMEDIATE', () => {
      // Asked here, because another server on a shared directory may have come first.
      if (index < pragma(db, 'user_version')) return;
      db.exec(step);
      db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${index + 1}`);
    });
  }
}
