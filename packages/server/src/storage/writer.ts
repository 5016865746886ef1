/** What the writing thread does: it applies the changes of a commit, and drops what nobody can ask for any more. */
import type { DatabaseSync } from 'node:sqlite';
import { STORE_LIMITS } from '../limits.ts';
import type { Change, Store } from './store.ts';
import { transaction } from './transaction.ts';
import { trimmer } from './trimming.ts';

/** How each kind of change is written: a kind without a writer does not compile. */
type Writers = { readonly [K in Change['kind']]: (change: Extract<Change, { kind: K }>) => void };

const json = JSON.stringify;

function writers(db: DatabaseSync): Writers {
  const sql = db.createTagStore(); // prepares each statement once

  return {
    configuration: ({ row }) => {
      sql.run`REPLACE INTO configurations VALUES (${row.name}, ${json(row)})`;
    },
    'configuration-deleted': ({ name }) => {
      sql.run`DELETE FROM configurations WHERE name = ${name}`;
      sql.run`DELETE FROM revisions WHERE configuration = ${name}`;
    },
    revision: ({ row, files }) => {
      sql.run`INSERT INTO revisions VALUES (${row.configuration}, ${row.number}, ${json(row)})`;
      sql.run`INSERT INTO config_files VALUES (${row.hash}, ${json(files)}) ON CONFLICT (hash) DO NOTHING`;
    },
    group: ({ row }) => {
      sql.run`REPLACE INTO agent_groups VALUES (${row.name}, ${json(row)})`;
    },
    'group-deleted': ({ name }) => {
      sql.run`DELETE FROM agent_groups WHERE name = ${name}`;
    },
    'agent-identity': ({ row }) => {
      sql.run`INSERT INTO agents VALUES (${row.id}, ${row.instanceUid}, ${json(row)})
              ON CONFLICT (id) DO UPDATE SET instance_uid = excluded.instance_uid, row = excluded.row`;
    },
    'agent-report': ({ id, row }) => {
      sql.run`INSERT INTO agent_reports VALUES (${id}, ${json(row)})
              ON CONFLICT (agent) DO UPDATE SET row = excluded.row`;
    },
    'agent-assignment': ({ id, row }) => {
      sql.run`INSERT INTO agent_assignments VALUES (${id}, ${row.generation}, ${json(row)})
              ON CONFLICT (agent) DO UPDATE SET generation = excluded.generation, row = excluded.row`;
    },
    ledger: ({ id, row }) => {
      sql.run`INSERT INTO agent_ledger VALUES (${id}, ${row.generation}, ${json(row)})
              ON CONFLICT (agent, generation) DO UPDATE SET row = excluded.row`;
      const old = row.generation - STORE_LIMITS.generationsKept;
      if (old > 0) sql.run`DELETE FROM agent_ledger WHERE agent = ${id} AND generation <= ${old}`;
    },
    'agent-deleted': ({ id }) => {
      sql.run`DELETE FROM agents WHERE id = ${id}`;
      sql.run`DELETE FROM agent_reports WHERE agent = ${id}`;
      sql.run`DELETE FROM agent_assignments WHERE agent = ${id}`;
      sql.run`DELETE FROM agent_ledger WHERE agent = ${id}`;
    },
    text: ({ digest, body }) => {
      sql.run`INSERT INTO texts VALUES (${digest}, ${body}) ON CONFLICT (digest) DO NOTHING`;
      sql.run`INSERT INTO named_texts VALUES (${digest}) ON CONFLICT (digest) DO NOTHING`;
    },
    rollout: ({ row }) => {
      sql.run`REPLACE INTO rollouts VALUES (${row.id}, ${row.createdAt}, ${json(row)})`;
    },
    'rollout-log': ({ row }) => {
      sql.run`INSERT INTO rollout_log VALUES (${row.rollout}, ${row.version}, ${json(row)})`;
    },
    event: ({ row }) => {
      sql.run`INSERT INTO events VALUES (${row.seq}, ${row.subject}, ${json(row)})`;
    },
    mark: ({ name, value }) => {
      sql.run`REPLACE INTO marks VALUES (${name}, ${value})`;
    },
    idempotency: ({ key, at, answer }) => {
      sql.run`REPLACE INTO answers VALUES (${key}, ${at}, ${json(answer)})`;
    },
  };
}

export type WriteOperations = ReturnType<typeof writeOperations>;

export function writeOperations(db: DatabaseSync) {
  const trim = trimmer(db);
  const write = writers(db) as Readonly<Record<Change['kind'], (change: Change) => void>>;
  return {
    commit: (changes: readonly Change[]): void =>
      transaction(db, 'IMMEDIATE', () => {
        for (const change of changes) write[change.kind](change);
      }),
    /** A slice of `Store.trim`: null while there is more to drop. */
    trim: (keep: Parameters<Store['trim']>[0]): number | null => transaction(db, 'IMMEDIATE', () => trim(keep)),
  };
}
