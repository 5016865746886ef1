/** What the writing thread does: it applies the changes of a commit, and drops what nobody can ask for any more. */
import type { DatabaseSync, SQLTagStore } from 'node:sqlite';
import { STORE_LIMITS } from '../limits.ts';
import type { Store } from './store.ts';
import { transaction } from './transaction.ts';
import { trimmer } from './trimming.ts';

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
  group: (name: string, row: string) => sql.run`REPLACE INTO agent_groups VALUES (${name}, ${row})`,
  'group-deleted': (name: string) => sql.run`DELETE FROM agent_groups WHERE name = ${name}`,
  'agent-identity': (id: string, instanceUid: string, row: string) => sql.run`
    INSERT INTO agents VALUES (${id}, ${instanceUid}, ${row})
    ON CONFLICT (id) DO UPDATE SET instance_uid = excluded.instance_uid, row = excluded.row`,
  'agent-report': (id: string, row: string) => sql.run`
    INSERT INTO agent_reports VALUES (${id}, ${row})
    ON CONFLICT (agent) DO UPDATE SET row = excluded.row`,
  'agent-assignment': (id: string, generation: number, row: string) => sql.run`
    INSERT INTO agent_assignments VALUES (${id}, ${generation}, ${row})
    ON CONFLICT (agent) DO UPDATE SET generation = excluded.generation, row = excluded.row`,
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
  rollout: (id: string, createdAt: number, row: string) =>
    sql.run`REPLACE INTO rollouts VALUES (${id}, ${createdAt}, ${row})`,
  'rollout-log': (rollout: string, version: number, row: string) =>
    sql.run`INSERT INTO rollout_log VALUES (${rollout}, ${version}, ${row})`,
  event: (seq: number, subject: string, row: string) => sql.run`INSERT INTO events VALUES (${seq}, ${subject}, ${row})`,
  mark: (name: string, value: number) => sql.run`REPLACE INTO marks VALUES (${name}, ${value})`,
  idempotency: (key: string, at: number, row: string) => sql.run`REPLACE INTO answers VALUES (${key}, ${at}, ${row})`,
});

export type Writers = ReturnType<typeof writers>;

export type WrittenChange = readonly [kind: keyof Writers, ...columns: unknown[]];
export type WriteOperations = ReturnType<typeof writeOperations>;

export function writeOperations(db: DatabaseSync) {
  const trim = trimmer(db);
  const write = writers(db.createTagStore()) as Readonly<Record<keyof Writers, (...columns: unknown[]) => void>>;
  return {
    commit: (changes: readonly WrittenChange[]): void =>
      transaction(db, 'IMMEDIATE', () => {
        for (const [kind, ...columns] of changes) write[kind](...columns);
      }),
    /** A slice of `Store.trim`: null while there is more to drop. */
    trim: (keep: Parameters<Store['trim']>[0]): number | null => transaction(db, 'IMMEDIATE', () => trim(keep)),
  };
}
