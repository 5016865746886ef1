/** Every limit of the API, named, with its default; those of what it carries are the domain's. */
export const API_LIMITS = {
  /** Items of a page when the request names no number, and the most it may ask for. */
  pageSize: 100,
  pageSizeMost: 1_000,
  /** Names of authors, characters. */
  authorLength: 200,
  /** Label keys and values, characters, and how many one request may change. */
  labelLength: 256,
  labelsPerRequest: 64,
  /** Agents named in one act on many: the largest fleet of one server. */
  agentsPerAct: 100_000,
  /** Idempotency keys, characters. */
  idempotencyKeyLength: 128,
  /** Of a webhook: its address and its patterns, characters; how many patterns; names of environment variables. */
  urlLength: 2_048,
  patternLength: 100,
  patterns: 50,
  variableLength: 200,
  /** Examples of agents with each kind of failure in one rollout. */
  failureExamples: 5,
  /** Stragglers told of one rollout. */
  stragglers: 5,
  /** How long the client waits for an answer, milliseconds. */
  requestMs: 30_000,
  /** Comments keep an idle event stream open that often; one silent for the second time is reconnected, milliseconds. */
  eventsBeatMs: 15_000,
  eventsSilentMs: 45_000,
  /** Wait before an event stream is opened again: at first, and at most, milliseconds. */
  eventsRetryMs: 250,
  eventsRetryMostMs: 10_000,
  /** Unread text of an event stream, characters. */
  eventLength: 1024 * 1024,
} as const;
