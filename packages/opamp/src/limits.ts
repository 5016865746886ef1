const KiB = 1024;
const MiB = 1024 * KiB;

/**
 * Every limit of this package with its default. Sizes in bytes, times in milliseconds.
 *
 * The specification recommends 64 MiB for messages (S-024, S-043); we deviate to 4 MiB, because a message is decoded in
 * one turn of the event loop (64 MiB of gzip costs 60 ms and 70 MiB each) and no known agent comes near.
 */
export const defaultLimits = {
  /** Largest message taken in, after decompression; on WebSocket the header varint counts (S-018, S-038). */
  receiveBytes: 4 * MiB,
  /** Largest message sent out, before compression; on WebSocket the header varint counts (S-021, S-040). */
  sendBytes: 4 * MiB,
  /** Nested messages below the top one: health, attribute values, components (R12). */
  depth: 32,
  /** Fields of a message with all inside it: 4 MiB of empty ones would hold the event loop for 0.4 s (R13). */
  fields: 32_768,
  /** Bytes of messages not yet complete, over all connections: beyond it newcomers are refused (R13). */
  unfinishedBytes: 256 * MiB,
  /** Bytes a connection may have queued beyond one configuration before it counts as a slow reader (R8). */
  sendBufferSlackBytes: 64 * KiB,
  /** Answers that leave in one write; a writev of the system takes about 1,000 buffers, and each answer is two. */
  answersPerWrite: 128,
  /** HTTP answers below this are not worth compressing (S-031): those to heartbeats. */
  gzipFromBytes: KiB,
  /** All headers of a request must have come (R17). */
  headersMs: 10_000,
  /** The whole request must have come (R17). */
  requestMs: 30_000,
  /** The first OpAMP message must have come after a WebSocket upgrade (R17). */
  firstMessageMs: 15_000,
  /** Between two pings of the server on a WebSocket (R8). */
  pingMs: 30_000,
  /**
   * Pings without a sign of life after which a WebSocket counts as half open. One is not enough: a Supervisor that
   * restarts its collector reads nothing for 10 s and more.
   */
  unansweredPings: 2,
  /** How long a peer may take to answer a Close frame before its socket is destroyed. */
  closeMs: 10_000,
  /** Text frames answered BAD_REQUEST before the connection is closed with 1003 (A11). */
  textFrames: 3,
  /** How long an idle HTTP connection is kept: longer than the usual polling period of 30 s. */
  keepAliveMs: 75_000,
  /** Sockets open at one time, whatever they do. */
  connections: 100_000,
  /** WebSocket connections that have not yet sent an OpAMP message, as a share of `connections` (R17). */
  silentShare: 0.2,
};

/** Limits by name, in the units of `defaultLimits`. */
export type Limits = Readonly<typeof defaultLimits>;

/** Frames that a message of `bytes` may have: opamp-go writes 4,096 bytes per frame, fewer would refuse it (R14). */
export function maxFragments(bytes: number): number {
  return Math.ceil(bytes / 4096) + 256;
}

/** Limits of the session, which has no I/O of its own. Times in milliseconds. */
export const sessionLimits = {
  /** Full-state requests without a full state, one per gap or new link, before the waiting begins (S-097). */
  fullStateBurst: 3,
  /** Wait before asking again an agent that did not comply; doubles each time (S-097). */
  fullStateRetryMs: 30_000,
  /** Upper end of that wait. */
  fullStateRetryMaxMs: 3_600_000,
  /** Displaced runs of numbers remembered per agent (S-084). */
  displacedCounts: 8,
};
