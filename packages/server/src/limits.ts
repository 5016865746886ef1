/** Every limit of the server, named, with its default and reason. */
export const SERVER_LIMITS = {
  /** Turns are at least this far apart, so that commits are groups (4 ms: 5,600 enrolments/s against 4,230 without). */
  turnGap: 4,
  /** Touched agents after which a turn runs inside the message handler: in a burst no timer would fire. */
  turnSize: 250,
  /** Agents looked at in one turn. */
  turnMost: 500,
  /** Agents that rollouts admit in one turn: each is settled, written and told of in it, so that the loop is never held. */
  admissionsPerTurn: 250,
  /** Decisions that a rollout takes in one turn: one follows from another, but never for ever. */
  decisionsPerTurn: 16,
  /** Offers written in one turn; the rest follow in the next ones, so that the loop is never held. */
  offersPerTurn: 250,
  /** Offers sent within a tick and not heard of: beyond them the loop would read answers and come to nothing else. */
  offersUnheard: 500,
  /** How often agents with an open ledger entry are looked at for deadlines and proof, and those who wait for a place. */
  tick: 250,
  /** Ticks that stay out for so long mean that this process, or its machine, was stopped: that is an outage of ours (I10). */
  absence: 2_000,
  /** How often changes of agents' states and rollouts' progress are told, coalesced (interface.md: 100 to 250 ms). */
  announceEvery: 200,
  /** How often the sign of life is stored, from which an outage of ours is measured (I10). */
  aliveEvery: 5_000,
  /** After a start, agents get this long to come back before anybody is called gone or a rollout ends without them. */
  reconnectGrace: 60_000,
  /** Agents let in over WebSocket, and as many polls answered: the rate, and how many at once before it holds (R9). */
  arrivals: { perSecond: 5_000, burst: 10_000 },
  /** Events kept; older ones are gone (410). */
  eventsKept: 200_000,
  /** How often what is no longer kept is dropped. */
  trimEvery: 60_000,
  /** Answers to idempotency keys are kept for a day. */
  answersKept: 86_400_000,
  /** The newest events, kept in memory for all readers of the stream together: how many, and how many characters. */
  eventsRecent: { entries: 10_000, sizes: 8 * 1024 * 1024 },
  /** Events that one reader holds while it takes them. */
  eventsPage: 32,
  /** A reader of the stream that takes nothing for so long is cut off; it comes back with its number. */
  streamStall: 10_000,
  /** How often it is looked at what only time makes an alert, or ends one. */
  alertSweep: 2_000,
  /** A webhook's attempt: how long it may take, bytes read of the answer (X16), characters kept of what went wrong. */
  webhookPatience: 5_000,
  webhookAnswer: 64 * 1024,
  webhookError: 300,
  /** Wait before an attempt is repeated: at first, doubled each time, and at most. It is given up after a day. */
  webhookRetry: { first: 2_000, most: 3_600_000 },
  webhookKept: 86_400_000,
  /** Attempts that fail in a row before a webhook counts as failing. */
  webhookFailing: 3,
  /** Events that wait for one webhook; beyond them the oldest go. */
  webhookQueue: 1_000,
  /** How often the numbers of a webhook are stored. */
  webhookSave: 5_000,
  /** Characters of a message to Slack. */
  slackText: 3_000,
  /** Alertmanager hears of active alerts that often, and believes each time that they last so long. */
  alertmanagerRepeat: 600_000,
  alertmanagerValid: 1_800_000,
  /** Agents named in one `agents.changed` event. */
  changesPerEvent: 1_000,
  /** CPU time for one text in the worker, ms. R16 asks 250, but 50,000 honest nodes take up to 1,000 in a cold worker. */
  understandBudget: 2_000,
  /** Memory of that worker, MiB. R16 asks 64, in which the check of 50,000 nodes ran out now and then. */
  understandMemory: 128,
  /** Comparisons of effective configs that wait; beyond them a verdict is inconclusive for now. */
  textsWaiting: 256,
  /** Structures remembered, and their characters. */
  structuresKept: { entries: 4_096, sizes: 32 * 1024 * 1024 },
  /** Verdicts remembered, and their characters; what one says at most. */
  verdictsKept: { entries: 16_384, sizes: 8 * 1024 * 1024 },
  verdictText: 1_024,
  /** Encoded configurations kept for offers. */
  offersKept: { entries: 256 },
  /** Bodies of API requests, bytes: a configuration of 1 MiB as JSON. */
  apiBody: 4 * 1024 * 1024,
  /** Values in such a body, as JSON (R13): 200,000 would hold the event loop for 0.9 s. A text in it is one. */
  apiValues: 10_000,
  /** Event streams open at once. */
  streams: 256,
  /** Outlines of configurations that gates compare. */
  outlinesKept: { entries: 256 },
  /** Ended rollouts kept whole in memory, so that their pages do not fold a log each (111 ms at 9,000 agents). */
  rolloutsFolded: { entries: 8 },
} as const;

/** How much of what one agent says is kept (X26). Sizes in characters unless they say otherwise. */
export const AGENT_LIMITS = {
  /** Error messages, health texts: several times the longest that a Supervisor with log snippets sends. */
  text: 16 * 1024,
  attributeText: 4 * 1024,
  attributes: 256,
  /** Keys, component ids, file names. */
  name: 256,
  /** Sub-components at one place of the health tree, and components of one kind. */
  components: 1_024,
  /** Of a health tree in all: its nodes, and the characters of what they say. */
  healthNodes: 4_096,
  healthText: 128 * 1024,
  /** Files of an effective config; kinds of components. */
  files: 64,
  /** Hashes that are ours have 32 bytes. */
  hashBytes: 64,
  /** Component maps remembered by their hash. */
  componentMaps: { entries: 256 },
} as const;

/** What the embedded store takes at once, and what it keeps. */
export const STORE_LIMITS = {
  /** Changes merged into one transaction; a single commit may have more, because it stays whole. */
  batchChanges: 4_000,
  /** Rows that one transaction of `trim` drops, so that commits are not held up behind it. */
  trimRows: 5_000,
  /** The same of rows that may be large: reports gone through, texts, logs. */
  trimSlice: 100,
  /** Ledger entries kept of one agent, newest first. */
  generationsKept: 50,
  /** Rollouts of one group that keep their log when they have ended. */
  logsPerGroup: 200,
  /** Resolved alerts kept. */
  alertsKept: 1_000,
  /** A server that says nothing for so long loses its lease to one that waits; it renews at every third of it. */
  leaseTime: 10_000,
  /** Size to which the write-ahead log shrinks again after a large transaction (R24), bytes. */
  walBytes: 64 * 1024 * 1024,
  /** How long to wait for a foreign program (a backup, the sqlite3 shell) that holds the database. */
  busyWait: 5_000,
  /** Pages that each connection may keep in memory, bytes. */
  cacheBytes: 16 * 1024 * 1024,
} as const;
