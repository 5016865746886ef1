/** The journal of events, single durable values, and the answers to repeated requests. */

import type { DatabaseSync } from 'node:sqlite';
import type { Instant } from '@flaghoist/fleet';
import type { EventKind, JournalEvent } from '../events/journal-event.ts';
import type { Writers } from './change.ts';
import { fromJson, json } from './json.ts';
import { LIMITS } from './limits.ts';

export function journalWriters(db: DatabaseSync): Writers<'event' | 'mark' | 'idempotency'> {
  const event = db.prepare('INSERT INTO events (seq, at, kind, author, subject, data) VALUES (?, ?, ?, ?, ?, ?)');
  const mark = db.prepare(`
    INSERT INTO marks (name, value) VALUES (?, ?)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value`);
  const answer = db.prepare(`
    INSERT INTO answers (key, at, answer) VALUES (?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET at = excluded.at, answer = excluded.answer`);

  return {
    event: ({ row }) => {
      event.run(row.seq, row.at, row.kind, row.author, row.subject, json(row.data));
    },
    mark: ({ name, value }) => {
      mark.run(name, value);
    },
    idempotency: (change) => {
      answer.run(change.key, change.at, json(change.answer));
    },
  };
}

interface EventRow {
  readonly seq: number;
  readonly at: number;
  readonly kind: EventKind;
  readonly author: string;
  readonly subject: string;
  readonly data: string;
}

interface EventQuery {
  readonly after: number;
  readonly limit: number;
  readonly subject?: string;
}

const BOUNDS = `
  SELECT coalesce((SELECT min(seq) FROM events), dropped + 1) AS first,
         coalesce((SELECT max(seq) FROM events), dropped) AS last
  FROM journal`;

export function journalReaders(db: DatabaseSync) {
  const columns = 'SELECT seq, at, kind, author, subject, data FROM events';
  const all = db.prepare(`${columns} WHERE seq > ? ORDER BY seq LIMIT ?`);
  const bySubject = db.prepare(`${columns} WHERE subject = ? AND seq > ? ORDER BY seq LIMIT ?`);
  const bounds = db.prepare(BOUNDS);
  const marks = db.prepare('SELECT name, value FROM marks');
  const answer = db.prepare('SELECT answer FROM answers WHERE key = ?');

  return {
    events: ({ after, limit, subject }: EventQuery) => {
      const rows = subject === undefined ? all.all(after, limit) : bySubject.all(subject, after, limit);
      return (rows as unknown as EventRow[]).map((row): JournalEvent => ({ ...row, data: fromJson(row.data) }));
    },
    bounds: () => bounds.get() as { first: number; last: number },
    marks: () => new Map((marks.all() as { name: string; value: number }[]).map(({ name, value }) => [name, value])),
    idempotent: (key: string): unknown => {
      const found = answer.get(key) as { answer: string } | undefined;
      return found === undefined ? undefined : fromJson(found.answer);
    },
  };
}

/** Drops as much as one transaction should; `more` says that there is something left to drop. */
export function journalTrimmer(db: DatabaseSync) {
  const events = db.prepare(`
    DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE seq <= ? ORDER BY seq LIMIT ?) RETURNING seq`);
  const dropped = db.prepare('UPDATE journal SET dropped = ?1 WHERE dropped < ?1');
  const answers = db.prepare(`
    DELETE FROM answers WHERE key IN (SELECT key FROM answers WHERE at < ? LIMIT ?)`);
  const bounds = db.prepare(BOUNDS);

  return (eventsAfter: number, answersSince: Instant): { first: number; more: boolean } => {
    const gone = events.all(eventsAfter, LIMITS.trimRows) as { seq: number }[];
    dropped.run(gone.reduce((highest, { seq }) => Math.max(highest, seq), 0));
    const forgotten = Number(answers.run(answersSince, LIMITS.trimRows).changes);
    const { first } = bounds.get() as { first: number };
    return { first, more: gone.length === LIMITS.trimRows || forgotten === LIMITS.trimRows };
  };
}
