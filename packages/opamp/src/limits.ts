const KiB = 1024;
const MiB = 1024 * KiB;

/** Every limit of this package with its default. Sizes in bytes, times in milliseconds. */
export interface Limits {
  /** Largest message taken in, after decompression; on WebSocket the header varint counts (S-018, S-038). */
  readonly receiveBytes: number;
  /** Largest message sent out, before compression; on WebSocket the header varint counts (S-021, S-040). */
  readonly sendBytes: number;
  /** Nested messages below the top one: health, attribute values, components (R12). */
  readonly depth: number;
  /** Frames of one WebSocket message. opamp-go splits at 4,096 bytes, so fewer would refuse real agents (R14). */
  readonly fragments: number;
  /** Bytes of messages not yet complete, over all connections: beyond it newcomers are refused (R13). */
  readonly unfinishedBytes: number;
  /** Bytes a connection may have queued beyond one configuration before it counts as a slow reader (R8). */
  readonly sendBufferSlackBytes: number;
  /** All headers of a request must have come (R17). */
  readonly headersMs: number;
  /** The whole request must have come (R17). */
  readonly requestMs: number;
  /** The first OpAMP message must have come after a WebSocket upgrade (R17). */
  readonly firstMessageMs: number;
  /** Between two pings of the server on an idle WebSocket (R8). */
  readonly pingMs: number;
  /**
   * Pings without a sign of life after which a WebSocket counts as half open. One is not enough: a Supervisor that
   * restarts its collector reads nothing for 10 s and more.
   */
  readonly unansweredPings: number;
  /** How long a peer may take to answer a Close frame before its socket is destroyed. */
  readonly closeMs: number;
  /** Text frames answered BAD_REQUEST before the connection is closed with 1003. */
  readonly textFrames: number;
  /** How long an idle HTTP connection is kept: longer than the usual polling period of 30 s. */
  readonly keepAliveMs: number;
  /** Sockets open at one time, whatever they do. */
  readonly connections: number;
  /** WebSocket connections that have not yet sent an OpAMP message, as a share of `connections` (R17). */
  readonly silentShare: number;
}

const receiveBytes = 4 * MiB;

/**
 * The defaults. The specification recommends 64 MiB for messages (S-024, S-043); we deviate to 4 MiB, because a
 * message is decoded in one turn of the event loop (64 MiB of gzip costs 60 ms and 70 MiB each) and no known agent
 * comes near. Raise `receiveBytes` together with `fragments`.
 */
export const defaultLimits: Limits = {
  receiveBytes,
  sendBytes: 4 * MiB,
  depth: 32,
  fragments: maxFragments(receiveBytes),
  unfinishedBytes: 256 * MiB,
  sendBufferSlackBytes: 64 * KiB,
  headersMs: 10_000,
  requestMs: 30_000,
  firstMessageMs: 15_000,
  pingMs: 30_000,
  unansweredPings: 2,
  closeMs: 10_000,
  textFrames: 3,
  keepAliveMs: 75_000,
  connections: 100_000,
  silentShare: 0.2,
};

/** Frames that a message of `bytes` may have, coming from a peer that writes 4,096 bytes per frame (R14). */
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
