import type { DatabaseSync } from 'node:sqlite';

/** Runs `work` in one transaction, `IMMEDIATE` to write; when anything fails, nothing of it was written. */
export function transaction<T>(
  db: DatabaseSync,
  mode: 'IMMEDIATE' | 'DEFERRED',
  work: () => T,
  commit = () => db.exec('COMMIT'),
): T {
  db.exec(`BEGIN ${mode}`);
  try {
    const result = work();
    commit();
    return result;
  } catch (error) {
    // After some failures (disk full, I/O) SQLite has rolled back by itself.
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}
