/** Every limit and every figure of a real agent that the simulation uses. Times in milliseconds, sizes in bytes. */
export const limits = {
  /** Agents in one scenario. */
  agents: 200_000,
  /** Size of a scenario file. */
  scenarioBytes: 1024 * 1024,
  /** Largest effective config that may be asked for. */
  effectiveBytes: 4 * 1024 * 1024,
  /** Agents started per second, unless told otherwise. */
  startsPerSecond: 1_000,
  /** Distinct configurations kept composed per group. */
  compositions: 64,
  /** Statuses and sequence numbers kept encoded. */
  encodings: 1_024,
  /** WebSocket handshakes under way at one time. */
  dials: 500,
  /** The fleet looks so often for agents whose time has come. */
  tickMs: 5,
  /** Offers and statuses kept per agent, the newest ones; counters go on. */
  history: 200,
  /** How long a stopping fleet waits for the server to answer its Close frames (opamp-go: 5 s). */
  closeMs: 5_000,
  /** A handshake or an HTTP request takes no longer (gorilla's default for the handshake). */
  handshakeMs: 45_000,
} as const;

/** opamp-go v0.23: the exponential back-off of `cenkalti/backoff`. The first attempt is made at once. */
export const backoff = { firstMs: 500, factor: 1.5, jitter: 0.5, longestMs: 60_000 } as const;

/** The Supervisor v0.149. Scaled by the scenario's `timeScale`. */
export const supervisor = {
  /** Between the exit of a collector and its next start. */
  crashBackoffMs: 5_000,
  /** From the first healthy report of a new process to its component tree. */
  treeMs: [5, 60],
  /** Stopping a collector without starting another one. */
  haltMs: [20, 200],
} as const;
