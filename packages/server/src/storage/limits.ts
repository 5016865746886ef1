const MiB = 1024 * 1024;

/** Every limit of storage, named, with its reason. Times in milliseconds. */
export const LIMITS = {
  /** From the start of one transaction to the start of the next: without it a storm of enrolments spends its time in fsync. */
  commitGap: 4,
  /** Changes merged into one transaction; a single commit may have more, because it stays whole. */
  batchChanges: 5_000,
  /** Rows that one transaction of `trim` drops, so that commits are not held up behind it. */
  trimRows: 5_000,
  /** The same of rows that may be large: reports gone through, texts, logs. */
  trimSlice: 100,
  /** Ledger entries kept of one agent, newest first. */
  generationsKept: 50,
  /** Rollouts of one group that keep their log when they have ended. */
  logsPerGroup: 200,
  /** Size to which the write-ahead log shrinks again after a large transaction (R24). */
  walBytes: 64 * MiB,
  /** How long to wait for a foreign program (a backup, the sqlite3 shell) that holds the database. */
  busyWait: 5_000,
  /** Pages that each connection may keep in memory. */
  cacheBytes: 16 * MiB,
} as const;
