/**
 * `row` is the whole of a row as JSON, in which own keys such as `__proto__` survive (R18); the other columns are what
 * rows are looked up by. Agents' rows are several, so that a health report does not write the description again.
 * No foreign keys: a report that arrives after its agent was deleted must not fail the commit that it is part of.
 */
export const firstTables = `
  CREATE TABLE configurations (name TEXT PRIMARY KEY, row TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE revisions (
    configuration TEXT NOT NULL,
    number INTEGER NOT NULL,
    row TEXT NOT NULL,
    PRIMARY KEY (configuration, number)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE config_files (hash TEXT PRIMARY KEY, files TEXT NOT NULL) STRICT;
  CREATE TABLE strategies (name TEXT PRIMARY KEY, row TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE agent_groups (name TEXT PRIMARY KEY, row TEXT NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE agents (id TEXT PRIMARY KEY, instance_uid TEXT NOT NULL UNIQUE, row TEXT NOT NULL) STRICT;
  CREATE TABLE agent_reports (agent TEXT PRIMARY KEY, row TEXT NOT NULL) STRICT;
  CREATE TABLE agent_assignments (agent TEXT PRIMARY KEY, generation INTEGER NOT NULL, row TEXT NOT NULL) STRICT;
  CREATE TABLE agent_ledger (
    agent TEXT NOT NULL,
    generation INTEGER NOT NULL,
    row TEXT NOT NULL,
    PRIMARY KEY (agent, generation)
  ) STRICT;
  CREATE TABLE texts (digest TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;

  CREATE TABLE rollouts (
    id TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    row TEXT NOT NULL
  ) STRICT;
  CREATE TABLE rollout_log (
    rollout TEXT NOT NULL,
    version INTEGER NOT NULL,
    row TEXT NOT NULL,
    PRIMARY KEY (rollout, version)
  ) STRICT;

  CREATE TABLE events (seq INTEGER PRIMARY KEY AUTOINCREMENT, subject TEXT NOT NULL, row TEXT NOT NULL) STRICT;
  CREATE INDEX events_by_subject ON events (subject, seq);
  -- Numbering goes on from the highest number ever given, also when no event is left.
  CREATE VIEW journal AS
    SELECT coalesce((SELECT min(seq) FROM events), last + 1) AS first, last
    FROM (SELECT coalesce(max(seq), 0) AS last FROM sqlite_sequence WHERE name = 'events');

  CREATE TABLE alerts (id TEXT PRIMARY KEY, raised_at INTEGER NOT NULL, row TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE webhooks (name TEXT PRIMARY KEY, row TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE deliveries (
    id TEXT PRIMARY KEY,
    webhook TEXT NOT NULL,
    event INTEGER NOT NULL,
    row TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX deliveries_by_webhook ON deliveries (webhook);

  CREATE TABLE marks (name TEXT PRIMARY KEY, value REAL NOT NULL) STRICT, WITHOUT ROWID;
  -- Who may write, and how many commits there were: one row, written with each of them.
  CREATE TABLE leases (
    shard TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    commits INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  INSERT INTO leases VALUES ('plane', '', 0, 0, 0);

  CREATE TABLE answers (key TEXT PRIMARY KEY, at INTEGER NOT NULL, row TEXT NOT NULL) STRICT;
  CREATE INDEX answers_by_age ON answers (at);
`;
