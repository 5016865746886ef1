import type { InstanceUid } from '../instance-uid.ts';

/** One path to the server over which agents speak. */
export interface Link {
  /** WebSocket: unique per connection and server boot. HTTP: one value for the whole boot of the server. */
  readonly id: string;
  readonly transport: 'websocket' | 'http';
}

/**
 * Whether the server holds this agent's whole state: `synced` means that a full report came and the sequence is
 * unbroken since; `asked` that it is missing and was asked for; `unknown` that it is missing.
 */
export type Knowledge = 'unknown' | 'asked' | 'synced';

/** A link that uses this uid although it belongs to another agent; `newUid` once one was given to it. */
export interface Intruder {
  readonly link: Link;
  readonly newUid: InstanceUid | undefined;
}

/** A run of consecutive numbers seen over HTTP; two of them taking turns are two agents (S-084). */
export interface Stream {
  readonly next: bigint;
  /** Rank by first appearance: the lowest is the elder agent. */
  readonly rank: number;
}

interface Memory {
  readonly uid: InstanceUid;
  readonly knowledge: Knowledge;
  /** Bits of AgentCapabilities (the low 32); undefined until the agent stated them (S-276). */
  readonly capabilities: number | undefined;
  /** Names the agent listed in custom_capabilities (S-234). */
  readonly customCapabilities: readonly string[];
  /**
   * The connection epoch: the link's id over WebSocket; over HTTP the link's id and a count of the agent's boots, so
   * that it differs after a restart of either side. Undefined until the first message.
   */
  readonly epoch: string | undefined;
  /** The epoch in which the last full state arrived. */
  readonly fullStateEpoch: string | undefined;
  /** The sequence number that continues what is known; undefined until one was received. */
  readonly nextSequence: bigint | undefined;
  /** Fingerprint of the last message taken in, to recognise its repetition (S-054). */
  readonly lastMessage: number | undefined;
  /** Restarts of the agent seen, as numbers falling back to 0 or 1 (S-096). */
  readonly boots: number;
  /** Full-state requests since the last full state, and when the last went out (S-097). */
  readonly asks: number;
  readonly askedAt: number;
  /** Held back until the next answer: an HTTP agent can only be spoken to when it polls (S-034). */
  readonly pending: Pending;
  readonly streams: readonly Stream[];
  /** Rank of the run that `nextSequence` continues. */
  readonly rank: number;
  /** How often a displaced run went on below the current one: numbers of one agent do not fall, but to 0 or 1. */
  readonly crossings: number;
  readonly intruders: readonly Intruder[];
}

export interface Pending {
  /** Bits of ServerToAgentFlags. */
  readonly flags: number;
  readonly restart: boolean;
  readonly newUid: InstanceUid | undefined;
}

/** Nothing was ever received from this uid since the server started. */
export interface NewSession extends Memory {
  readonly state: 'new';
  readonly link?: undefined;
}

/** The agent speaks over `link`. */
export interface OnlineSession extends Memory {
  readonly state: 'online';
  readonly link: Link;
  /** Open links that spoke as this agent, eldest first, the current one among them. HTTP counts while current. */
  readonly links: readonly Link[];
}

/** Known, and not reachable. What it reported stays true as far as we know. */
export interface OfflineSession extends Memory {
  readonly state: 'offline';
  readonly link?: undefined;
}

/** The uid was replaced: what still arrives under it is answered with the new one, and nothing else (S-083). */
export interface MovedSession extends Memory {
  readonly state: 'moved';
  readonly link?: undefined;
  readonly newUid: InstanceUid;
  /** Messages answered since: an agent that does not take the new uid shows here. */
  readonly answers: number;
}

/** What the server holds in memory about the protocol side of one agent. An immutable value. */
export type Session = NewSession | OnlineSession | OfflineSession | MovedSession;

export const nothingPending: Pending = { flags: 0, restart: false, newUid: undefined };

/** The session of a uid that this server process has not heard yet. */
export function newSession(uid: InstanceUid): NewSession {
  return {
    state: 'new',
    uid,
    knowledge: 'unknown',
    capabilities: undefined,
    customCapabilities: [],
    epoch: undefined,
    fullStateEpoch: undefined,
    nextSequence: undefined,
    lastMessage: undefined,
    boots: 0,
    asks: 0,
    askedAt: Number.NEGATIVE_INFINITY,
    pending: nothingPending,
    streams: [],
    rank: 0,
    crossings: 0,
    intruders: [],
  };
}

/** The session without its link. */
export function offline(session: OnlineSession): OfflineSession {
  const { links: _links, ...rest } = session;
  // Over HTTP every agent of this uid shares one link: an exclusion must not outlive the agent that it protects.
  const intruders = rest.intruders.filter((intruder) => intruder.link.transport !== 'http');
  const pending = { ...rest.pending, restart: false };
  return { ...rest, state: 'offline', link: undefined, pending, intruders };
}
