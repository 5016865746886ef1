/** What the writing thread does: it applies the changes of a commit, and drops what nobody can ask for any more. */
import type { DatabaseSync, SQLTagStore, StatementResultingChanges } from 'node:sqlite';
import { ARMED, around } from '../failpoints.ts';
import { STORE_LIMITS } from '../limits.ts';
import { openWitness } from './commit-witness.ts';
import { dataFiles } from './data-directory.ts';
import { openWriter } from './database.ts';
import { leaseOf } from './lease.ts';
import { isBusy } from './sqlite-error.ts';
import type { Start } from './sqlite-thread.ts';
import { type Lease, type Store, StoreError, TIME_TRAVEL } from './store.ts';
import { transaction } from './transaction.ts';
import { trimmer } from './trimming.ts';

/** A row that only a later one may replace. @throws StoreError `conflict` when it was not the later one. */
function expectLater({ changes }: StatementResultingChanges, what: string): void {
  if (changes === 0)
    throw new StoreError('conflict', `${what} is already further than that: another server has written`);
}

/** How each kind of change is written, by the columns that `columns.ts` makes of it. */
const writers = (sql: SQLTagStore) => ({
  configuration: (name: string, row: string) => sql.run`REPLACE INTO configurations VALUES (${name}, ${row})`,
  'configuration-deleted': (name: string) => {
    sql.run`DELETE FROM configurations WHERE name = ${name}`;
    sql.run`DELETE FROM revisions WHERE configuration = ${name}`;
  },
  revision: (configuration: string, number: number, row: string, hash: string, files: string) => {
    sql.run`INSERT INTO revisions VALUES (${configuration}, ${number}, ${row})`;
    sql.run`INSERT INTO config_files VALUES (${hash}, ${files}) ON CONFLICT (hash) DO NOTHING`;
  },
  strategy: (name: string, row: string) => sql.run`REPLACE INTO strategies VALUES (${name}, ${row})`,
  'strategy-deleted': (name: string) => sql.run`DELETE FROM strategies WHERE name = ${name}`,
  group: (name: string, row: string) => sql.run`REPLACE INTO agent_groups VALUES (${name}, ${row})`,
  'group-deleted': (name: string) => sql.run`DELETE FROM agent_groups WHERE name = ${name}`,
  'agent-identity': (id: string, instanceUid: string, row: string) => sql.run`
    INSERT INTO agents VALUES (${id}, ${instanceUid}, ${row})
    ON CONFLICT (id) DO UPDATE SET instance_uid = excluded.instance_uid, row = excluded.row`,
  'agent-report': (id: string, row: string) => sql.run`
    INSERT INTO agent_reports VALUES (${id}, ${row})
    ON CONFLICT (agent) DO UPDATE SET row = excluded.row`,
  'agent-assignment': (id: string, generation: number, row: string) =>
    expectLater(
      sql.run`
        INSERT INTO agent_assignments VALUES (${id}, ${generation}, ${row})
        ON CONFLICT (agent) DO UPDATE SET generation = excluded.generation, row = excluded.row
        WHERE excluded.generation >= agent_assignments.generation`,
      `the assignment of agent ${id}`,
    ),
  ledger: (id: string, generation: number, row: string) => {
    sql.run`
      INSERT INTO agent_ledger VALUES (${id}, ${generation}, ${row})
      ON CONFLICT (agent, generation) DO UPDATE SET row = excluded.row`;
    const old = generation - STORE_LIMITS.generationsKept;
    if (old > 0) sql.run`DELETE FROM agent_ledger WHERE agent = ${id} AND generation <= ${old}`;
  },
  'agent-deleted': (id: string) => {
    sql.run`DELETE FROM agents WHERE id = ${id}`;
    sql.run`DELETE FROM agent_reports WHERE agent = ${id}`;
    sql.run`DELETE FROM agent_assignments WHERE agent = ${id}`;
    sql.run`DELETE FROM agent_ledger WHERE agent = ${id}`;
  },
  text: (digest: string, body: string) => {
    sql.run`INSERT INTO texts VALUES (${digest}, ${body}) ON CONFLICT (digest) DO NOTHING`;
    sql.run`INSERT INTO named_texts VALUES (${digest}) ON CONFLICT (digest) DO NOTHING`;
  },
  rollout: (id: string, createdAt: number, version: number, row: string) =>
    expectLater(
      sql.run`
        INSERT INTO rollouts VALUES (${id}, ${createdAt}, ${version}, ${row})
        ON CONFLICT (id) DO UPDATE SET version = excluded.version, row = excluded.row
        WHERE excluded.version > rollouts.version`,
      `rollout ${id}`,
    ),
  'rollout-log': (rollout: string, version: number, row: string) =>
    sql.run`INSERT INTO rollout_log VALUES (${rollout}, ${version}, ${row})`,
  event: (seq: number, subject: string, row: string) => sql.run`INSERT INTO events VALUES (${seq}, ${subject}, ${row})`,
  alert: (id: string, raisedAt: number, row: string) =>
    sql.run`REPLACE INTO alerts VALUES (${id}, ${raisedAt}, ${row})`,
  webhook: (name: string, row: string) => sql.run`REPLACE INTO webhooks VALUES (${name}, ${row})`,
  'webhook-deleted': (name: string) => {
    sql.run`DELETE FROM webhooks WHERE name = ${name}`;
    sql.run`DELETE FROM deliveries WHERE webhook = ${name}`;
  },
  delivery: (id: string, webhook: string, event: number, row: string) =>
    sql.run`INSERT INTO deliveries VALUES (${id}, ${webhook}, ${event}, ${row})`,
  'delivery-deleted': (id: string) => sql.run`DELETE FROM deliveries WHERE id = ${id}`,
  mark: (name: string, value: number) => sql.run`REPLACE INTO marks VALUES (${name}, ${value})`,
  idempotency: (key: string, at: number, row: string) => sql.run`REPLACE INTO answers VALUES (${key}, ${at}, ${row})`,
});

export type Writers = ReturnType<typeof writers>;

export type WrittenChange = readonly [kind: keyof Writers, ...columns: unknown[]];
export type WriteOperations = ReturnType<typeof writeOperations>;

/** `opened` closes it. The lease of an exclusive directory is taken at once: whoever had it is gone. */
export function openToWrite(start: Start, opened: DisposableStack): WriteOperations {
  const db = openWriter(start, opened);
  const witness = openWitness(dataFiles(start.directory).commits, opened);
  const operations = writeOperations(db, leaseOf(db, start), witness);
  if (!start.shared) operations.lead(true);
  return operations;
}

function writeOperations(db: DatabaseSync, lease: ReturnType<typeof leaseOf>, witness: ReturnType<typeof openWitness>) {
  const trim = trimmer(db);
  const write = writers(db.createTagStore()) as Readonly<Record<keyof Writers, (...columns: unknown[]) => void>>;

  /** Durable when it returns. @throws StoreError `fenced`, and nothing was written. */
  function fenced<T>(work: () => T): T {
    let commits = 0;
    const fencedWork = (): T => {
      commits = around('fence', lease.fence);
      return work();
    };
    const result = transaction(db, 'IMMEDIATE', fencedWork, () => around('commit', () => db.exec('COMMIT')));
    around('witness', () => witness.write(commits));
    return result;
  }

  /** Before it begins to write: whether the database has all that was committed to it. */
  function takeAndCompare(certain: boolean): boolean {
    // Read first, since whoever still writes counts it up.
    const known = witness.read();
    return transaction(db, 'IMMEDIATE', () => {
      const missing = known - lease.present().commits;
      if (!lease.take(certain)) return false;
      if (missing <= 0) return true;
      write.mark(TIME_TRAVEL, missing);
      lease.skipTo(known);
      return true;
    });
  }

  /** A holder that was stopped in the middle of a commit has the database as long as it lives: that is waited for. */
  function take(certain: boolean): boolean {
    try {
      return takeAndCompare(certain);
    } catch (error) {
      if (!isBusy(error)) throw error;
      return false;
    }
  }

  return {
    commit: (changes: readonly WrittenChange[]): void =>
      fenced(() => {
        for (const [kind, ...columns] of changes) {
          if (ARMED) around(`row.${kind}`, () => write[kind](...columns));
          else write[kind](...columns);
        }
      }),
    /** A slice of `Store.trim`: null while there is more to drop. */
    trim: (keep: Parameters<Store['trim']>[0]): number | null => fenced(() => trim(keep)),
    /** See `Store.lead`; `certain` that nobody else has it. */
    lead(certain = false): Lease | null {
      if (lease.isHeld()) around('lease.renew', lease.renew);
      else if (!around('lease.take', () => take(certain))) return lease.present();
      return null;
    },
    giveUp: (): void => around('lease.give-up', lease.giveUp),
  };
}
