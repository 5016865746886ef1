/** Rollouts and the logs of which they are the fold. */
import type { DatabaseSync } from 'node:sqlite';
import type { Writers } from './change.ts';
import { fromJson, json } from './json.ts';
import type { RolloutLog, RolloutSummary } from './store.ts';

export function rolloutWriters(db: DatabaseSync): Writers<'rollout' | 'rollout-log'> {
  const rollout = db.prepare(`
    INSERT INTO rollouts (id, created_at, rest) VALUES (?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET created_at = excluded.created_at, rest = excluded.rest`);
  const log = db.prepare('INSERT INTO rollout_log (rollout, version, at, events) VALUES (?, ?, ?, ?)');

  return {
    rollout: ({ row: { id, createdAt, ...rest } }) => {
      rollout.run(id, createdAt, json(rest));
    },
    'rollout-log': ({ row }) => {
      log.run(row.rollout, row.version, row.at, json(row.events));
    },
  };
}

type Rest = Omit<RolloutSummary, 'id' | 'createdAt'>;

export function rolloutReaders(db: DatabaseSync) {
  const rollouts = db.prepare('SELECT id, created_at AS createdAt, rest FROM rollouts ORDER BY created_at, id');
  const log = db.prepare('SELECT version, at, events FROM rollout_log WHERE rollout = ? ORDER BY version');

  return {
    rollouts: () =>
      (rollouts.all() as { id: string; createdAt: number; rest: string }[]).map(
        ({ rest, ...keys }): RolloutSummary => ({ ...keys, ...fromJson<Rest>(rest) }),
      ),
    rolloutLog: (rollout: string) =>
      (log.all(rollout) as { version: number; at: number; events: string }[]).map(
        ({ version, at, events }): RolloutLog => ({ rollout, version, at, events: fromJson(events) }),
      ),
  };
}
