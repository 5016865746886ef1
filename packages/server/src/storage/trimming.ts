/** Drops, in slices that hold no commit up, what nobody can ask for any more: texts that no report names, old logs. */
import type { DatabaseSync } from 'node:sqlite';
import type { EffectiveFile } from '@flaghoist/fleet';
import { fromJson } from './json.ts';
import { LIMITS } from './limits.ts';
import type { Change } from './store.ts';

interface Sweep {
  /** Texts that reports name, as far as they were gone through, and all that came since. */
  readonly used: Set<string | null>;
  /** The last agent whose report was gone through; null after all of them. */
  agent: string | null;
  /** The last text that was judged. */
  text: number;
}

/** First goes through the reports, then through the texts; commits in between are noted. */
export function textTrimmer(db: DatabaseSync) {
  const reports = db.prepare(`
    SELECT agent, report -> '$.effective.files' AS files FROM agent_reports
    WHERE agent > ? ORDER BY agent LIMIT ${LIMITS.trimSlice}`);
  const texts = db.prepare(`
    SELECT rowid AS id, digest FROM texts WHERE rowid > ? ORDER BY rowid LIMIT ${LIMITS.trimSlice}`);
  const drop = db.prepare('DELETE FROM texts WHERE rowid = ?');
  let sweep: Sweep | null = null;

  function throughReports(present: Sweep, after: string): void {
    const rows = reports.all(after) as { agent: string; files: string | null }[];
    for (const { files } of rows)
      for (const { template } of files === null ? [] : fromJson<EffectiveFile[]>(files)) present.used.add(template);
    present.agent = rows.length < LIMITS.trimSlice ? null : (rows.at(-1)?.agent ?? null);
  }

  return {
    note: (changes: readonly Change[]): void => {
      if (sweep === null) return;
      for (const change of changes)
        if (change.kind === 'agent-report')
          for (const { template } of change.row.effective?.files ?? []) sweep.used.add(template);
    },
    /** One slice; true when there is another one. */
    trim: (): boolean => {
      sweep ??= { used: new Set(), agent: '', text: 0 };
      if (sweep.agent !== null) {
        throughReports(sweep, sweep.agent);
        return true;
      }
      const rows = texts.all(sweep.text) as { id: number; digest: string }[];
      for (const { id, digest } of rows) if (!sweep.used.has(digest)) drop.run(id);
      sweep.text = rows.at(-1)?.id ?? sweep.text;
      if (rows.length === LIMITS.trimSlice) return true;
      sweep = null;
      return false;
    },
  };
}

/** Logs of ended rollouts that are not among their group's newest. One slice; true when there is another one. */
export function logTrimmer(db: DatabaseSync): () => boolean {
  const drop = db.prepare(`
    DELETE FROM rollout_log WHERE rowid IN (
      SELECT l.rowid
      FROM (SELECT id, rest, row_number() OVER (PARTITION BY rest ->> 'group' ORDER BY created_at DESC, id DESC) AS age
            FROM rollouts) r
      JOIN rollout_log l ON l.rollout = r.id
      WHERE r.age > ${LIMITS.logsPerGroup} AND r.rest ->> 'endedAt' IS NOT NULL
      LIMIT ${LIMITS.trimSlice})`);
  return () => drop.run().changes === LIMITS.trimSlice;
}
