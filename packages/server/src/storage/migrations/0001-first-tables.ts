/**
 * Columns are what rows are looked up by; the other fields of a row are JSON in `rest`. Agents' rows are several, so that
 * a health report does not write the description again. No foreign keys: a report that arrives after its agent was
 * deleted must not fail the commit that it is part of.
 */
export const firstTables = `
  CREATE TABLE configurations (
    name TEXT PRIMARY KEY,
    rest TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE revisions (
    configuration TEXT NOT NULL,
    number INTEGER NOT NULL,
    hash TEXT NOT NULL,
    rest TEXT NOT NULL,
    PRIMARY KEY (configuration, number)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE config_files (
    hash TEXT PRIMARY KEY,
    files TEXT NOT NULL
  ) STRICT;

  CREATE TABLE agent_groups (
    name TEXT PRIMARY KEY,
    rest TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE agents (
    id TEXT PRIMARY KEY,
    instance_uid TEXT NOT NULL UNIQUE,
    rest TEXT NOT NULL
  ) STRICT;

  CREATE TABLE agent_reports (
    agent TEXT PRIMARY KEY,
    report TEXT NOT NULL
  ) STRICT;

  CREATE TABLE agent_assignments (
    agent TEXT PRIMARY KEY,
    generation INTEGER NOT NULL,
    rest TEXT NOT NULL
  ) STRICT;

  CREATE TABLE agent_ledger (
    agent TEXT NOT NULL,
    generation INTEGER NOT NULL,
    rest TEXT NOT NULL,
    PRIMARY KEY (agent, generation)
  ) STRICT;

  CREATE TABLE texts (
    digest TEXT PRIMARY KEY,
    body TEXT NOT NULL
  ) STRICT;

  CREATE TABLE rollouts (
    id TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL,
    rest TEXT NOT NULL
  ) STRICT;

  CREATE TABLE rollout_log (
    rollout TEXT NOT NULL,
    version INTEGER NOT NULL,
    at INTEGER NOT NULL,
    events TEXT NOT NULL,
    PRIMARY KEY (rollout, version)
  ) STRICT;

  CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    author TEXT NOT NULL,
    subject TEXT NOT NULL,
    data TEXT NOT NULL
  ) STRICT;
  CREATE INDEX events_by_subject ON events (subject, seq);

  -- The highest number ever dropped: numbering goes on from it when no event is left.
  CREATE TABLE journal (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    dropped INTEGER NOT NULL
  ) STRICT;
  INSERT INTO journal VALUES (1, 0);

  CREATE TABLE marks (
    name TEXT PRIMARY KEY,
    value REAL NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE answers (
    key TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    answer TEXT NOT NULL
  ) STRICT;
  CREATE INDEX answers_by_age ON answers (at);
`;
