/** What the reading thread does: one function for each read of the store. */
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type {
  AgentId,
  Alert,
  ConfigFiles,
  Configuration,
  Group,
  LedgerEntry,
  OwnStrategy,
  Revision,
} from '@flaghoist/fleet';
import type { JournalEvent } from '../events/journal-event.ts';
import { around } from '../failpoints.ts';
import type { Delivery, Webhook } from '../webhooks/webhook.ts';
import { type Loaded, type RolloutLog, type RolloutSummary, type Store, TIME_TRAVEL } from './store.ts';
import { transaction } from './transaction.ts';

/** What `load` answers: agents as JSON of the facets there are, which costs the main thread less than trees of objects. */
export type LoadedRows = Omit<Loaded, 'agents'> & { readonly agents: readonly string[] };

/** @throws SyntaxError when a row is damaged. */
function parsed<T>(rows: readonly Record<string, SQLOutputValue>[]): T[] {
  return rows.map(({ row }) => JSON.parse(String(row)));
}

export type ReadOperations = ReturnType<typeof readOperations>;

export function readOperations(db: DatabaseSync) {
  const sql = db.createTagStore(); // prepares each statement once

  function loadRows(): LoadedRows {
    const agents = sql.all`
      SELECT '{"identity":' || a.row
          || coalesce(',"report":' || r.row, '')
          || coalesce(',"assignment":' || s.row, '')
          || coalesce(',"ledger":' || l.row, '') || '}' AS row
      FROM agents a
      LEFT JOIN agent_reports r ON r.agent = a.id
      LEFT JOIN agent_assignments s ON s.agent = a.id
      LEFT JOIN agent_ledger l ON l.agent = a.id AND l.generation = s.generation
      ORDER BY a.id`;
    const rows = sql.all`SELECT name, value FROM marks` as { name: string; value: number }[];
    const marks = new Map(rows.map(({ name, value }) => [name, value]));
    const missing = marks.get(TIME_TRAVEL) ?? 0;
    const { first, last } = sql.get`SELECT first, last FROM journal` as { first: number; last: number };
    return {
      configurations: parsed<Configuration>(sql.all`SELECT row FROM configurations ORDER BY name`),
      revisions: parsed<Revision>(sql.all`SELECT row FROM revisions ORDER BY configuration, number`),
      strategies: parsed<OwnStrategy>(sql.all`SELECT row FROM strategies ORDER BY name`),
      groups: parsed<Group>(sql.all`SELECT row FROM agent_groups ORDER BY name`),
      agents: agents.map(({ row }) => String(row)),
      rollouts: parsed<RolloutSummary>(sql.all`SELECT row FROM rollouts ORDER BY created_at, id`),
      alerts: parsed<Alert>(sql.all`SELECT row FROM alerts ORDER BY raised_at, id`),
      webhooks: parsed<Webhook>(sql.all`SELECT row FROM webhooks ORDER BY name`),
      deliveries: parsed<Delivery>(sql.all`SELECT row FROM deliveries ORDER BY event, id`),
      marks,
      firstEvent: first,
      lastEvent: last,
      travelled: missing > 0 ? { missing } : null,
    };
  }

  return {
    /** All from one snapshot. */
    load: () => around('load', () => transaction(db, 'DEFERRED', loadRows)),
    files: (hash: string) =>
      parsed<ConfigFiles>(sql.all`SELECT files AS row FROM config_files WHERE hash = ${hash}`)[0] ?? null,
    ledger: (agent: AgentId) =>
      parsed<LedgerEntry>(sql.all`SELECT row FROM agent_ledger WHERE agent = ${agent} ORDER BY generation DESC`),
    texts: (digests: readonly string[]) => {
      const texts = sql.all`
        SELECT digest, body FROM texts
        WHERE digest IN (SELECT value FROM json_each(${JSON.stringify(digests)}))` as {
        digest: string;
        body: string;
      }[];
      return new Map(texts.map(({ digest, body }) => [digest, body]));
    },
    rolloutLog: (rollout: string) =>
      parsed<RolloutLog>(sql.all`SELECT row FROM rollout_log WHERE rollout = ${rollout} ORDER BY version`),
    events: ({ after, limit, subject }: Parameters<Store['events']>[0]) =>
      parsed<JournalEvent>(
        subject === undefined
          ? sql.all`SELECT row FROM events WHERE seq > ${after} ORDER BY seq LIMIT ${limit}`
          : sql.all`SELECT row FROM events WHERE subject = ${subject} AND seq > ${after} ORDER BY seq LIMIT ${limit}`,
      ),
    idempotent: (key: string) => parsed<unknown>(sql.all`SELECT row FROM answers WHERE key = ${key}`)[0],
  };
}
