/** What each of the two threads does for the store: one function per operation, called with one message. */

import type { DatabaseSync } from 'node:sqlite';
import type { Instant } from '@flaghoist/fleet';
import { type AgentRow, agentReaders, agentWriters } from './agent-tables.ts';
import { type Writers, write } from './change.ts';
import { configurationReaders, configurationWriters } from './configuration-tables.ts';
import { journalReaders, journalTrimmer, journalWriters } from './journal-tables.ts';
import { rolloutReaders, rolloutWriters } from './rollout-tables.ts';
import type { Change, Loaded } from './store.ts';
import { transaction } from './transaction.ts';
import { logTrimmer, textTrimmer } from './trimming.ts';

/** What `load` answers, with the agents not yet decoded. */
export type LoadedRows = Omit<Loaded, 'agents'> & { readonly agents: readonly AgentRow[] };

export type WriteOperations = ReturnType<typeof writeOperations>;
export type ReadOperations = ReturnType<typeof readOperations>;

export function writeOperations(db: DatabaseSync) {
  const writers: Writers = {
    ...configurationWriters(db),
    ...agentWriters(db),
    ...rolloutWriters(db),
    ...journalWriters(db),
  };
  const journal = journalTrimmer(db);
  const texts = textTrimmer(db);
  const logs = logTrimmer(db);

  return {
    commit: (changes: readonly Change[]): void =>
      transaction(db, () => {
        for (const change of changes) write(writers, change);
        texts.note(changes);
      }),
    trim: (eventsAfter: number, answersSince: Instant) =>
      transaction(db, () => {
        const { first, more } = journal(eventsAfter, answersSince);
        return { first, more: more || texts.trim() || logs() };
      }),
  };
}

export function readOperations(db: DatabaseSync) {
  const configurations = configurationReaders(db);
  const agents = agentReaders(db);
  const rollouts = rolloutReaders(db);
  const journal = journalReaders(db);

  /** All from one snapshot. */
  function load(): LoadedRows {
    db.exec('BEGIN');
    try {
      const { first, last } = journal.bounds();
      return {
        configurations: configurations.configurations(),
        revisions: configurations.revisions(),
        groups: configurations.groups(),
        agents: agents.agents(),
        rollouts: rollouts.rollouts(),
        marks: journal.marks(),
        firstEvent: first,
        lastEvent: last,
      };
    } finally {
      db.exec('COMMIT');
    }
  }

  return {
    load,
    files: configurations.files,
    ledger: agents.ledger,
    texts: agents.texts,
    rolloutLog: rollouts.rolloutLog,
    events: journal.events,
    idempotent: journal.idempotent,
  };
}
