/** Drops what nobody can ask for any more, in slices that hold no commit up. */
import type { DatabaseSync } from 'node:sqlite';
import { STORE_LIMITS } from '../limits.ts';
import type { Store } from './store.ts';

const { trimRows, trimSlice, logsPerGroup, alertsKept } = STORE_LIMITS;

/** Each call does one slice, in its caller's transaction: null while there is more to drop, then the first event kept. */
export function trimmer(db: DatabaseSync): (keep: Parameters<Store['trim']>[0]) => number | null {
  // The texts that reports name, as far as a sweep has gone through them, and all that came since it began: a text comes
  // with each report that newly names it.
  db.exec('CREATE TEMP TABLE named_texts (digest TEXT PRIMARY KEY) STRICT, WITHOUT ROWID');
  const sql = db.createTagStore();
  let sweep: Generator<void> | null = null;

  /** Through all reports, then through all texts, then through the logs that are not among their group's newest. */
  function* slices(): Generator<void> {
    sql.run`DELETE FROM named_texts`;
    const last = sql.get`
      SELECT (SELECT max(rowid) FROM agent_reports) AS report, (SELECT max(rowid) FROM texts) AS text`;
    for (let row = 0; row < Number(last?.['report']); row += trimSlice) {
      sql.run`
        INSERT OR IGNORE INTO named_texts
        SELECT value ->> 'template' FROM agent_reports r, json_each(r.row, '$.effective.files')
        WHERE r.rowid > ${row} AND r.rowid <= ${row + trimSlice} AND value ->> 'template' IS NOT NULL`;
      yield;
    }
    for (let row = 0; row < Number(last?.['text']); row += trimSlice) {
      sql.run`
        DELETE FROM texts
        WHERE rowid > ${row} AND rowid <= ${row + trimSlice} AND digest NOT IN (SELECT digest FROM named_texts)`;
      yield;
    }
    const dropLogs = () => sql.run`
      DELETE FROM rollout_log WHERE rowid IN (
        SELECT l.rowid
        FROM (SELECT id, row, row_number() OVER (PARTITION BY row ->> 'group' ORDER BY created_at DESC, id DESC) AS age
              FROM rollouts) r
        JOIN rollout_log l ON l.rollout = r.id
        WHERE r.age > ${logsPerGroup} AND r.row ->> 'endedAt' IS NOT NULL
        LIMIT ${trimSlice})`;
    while (dropLogs().changes === trimSlice) yield;
    sql.run`
      DELETE FROM alerts WHERE id IN (
        SELECT id FROM alerts WHERE row ->> 'resolvedAt' IS NOT NULL ORDER BY raised_at DESC LIMIT -1 OFFSET ${alertsKept})`;
  }

  return ({ eventsAfter, answersSince }) => {
    const dropped = [
      sql.run`
        DELETE FROM events
        WHERE seq IN (SELECT seq FROM events WHERE seq <= ${eventsAfter} ORDER BY seq LIMIT ${trimRows})`,
      sql.run`
        DELETE FROM answers
        WHERE key IN (SELECT key FROM answers WHERE at < ${answersSince} LIMIT ${trimRows})`,
    ];
    if (dropped.some(({ changes }) => changes === trimRows)) return null;
    sweep ??= slices();
    if (sweep.next().done === false) return null;
    sweep = null;
    return Number(sql.get`SELECT first FROM journal`?.['first']);
  };
}
