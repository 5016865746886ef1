import type { AgentToServer } from '../generated/opamp/v1/opamp_pb.js';
import type { InstanceUid } from '../instance-uid.ts';

/** One path to the server over which agents speak. */
export interface Link {
  /** WebSocket: unique per connection and server boot. HTTP: one value for the whole boot of the server. */
  readonly id: string;
  /** Over HTTP an agent can only be answered (S-034). */
  readonly transport: 'websocket' | 'http';
}

/** A decoded message, and the bytes it came in (a repetition is recognised by them, S-054). */
export interface MessageInput {
  readonly kind: 'message';
  readonly link: Link;
  readonly message: AgentToServer;
  readonly payload: Uint8Array;
}

/**
 * Everything that can happen to a session.
 * - `link-closed`: a WebSocket has ended: goes to every session that heard it, intruders' links included. Over HTTP, the
 *   shell's patience with one silent agent is over (S-046).
 * - `ask-full-state`: the domain lacks something of this agent's state.
 * - `restart`: an operator wants the agent restarted: sent once, only while it is online (S-232).
 */
export type Input =
  | MessageInput
  | { readonly kind: 'link-closed'; readonly link: string }
  | { readonly kind: 'ask-full-state' | 'restart' };

/** What is remembered of the sequence numbers. */
export interface Count {
  /** The number that continues what is known; undefined until one was received. */
  readonly next?: bigint;
  /** Fingerprint of the last message taken in, to recognise its repetition (S-054). */
  readonly last?: number;
  /** Fingerprint of the last full message, to recognise a copy of it that comes late over HTTP. */
  readonly full?: number | undefined;
  /** Fingerprint of the message that began this run of numbers, for the same reason. */
  readonly opening?: number | undefined;
  /** Restarts of the agent seen, as numbers falling back to 0 or 1 (S-096). */
  readonly boots: number;
  /** Where runs of numbers would go on that another number displaced, newest first. */
  readonly displaced: readonly bigint[];
  /** How often a displaced run went on below the current one: numbers of one agent do not fall, but to 0 or 1. */
  readonly crossings: number;
}

interface Memory {
  readonly uid: InstanceUid;
  /** `synced`: the agent's whole state is here, as a full report came and the sequence is unbroken since. */
  readonly knowledge: 'unknown' | 'synced';
  /** Bits of AgentCapabilities (the low 32); undefined until the agent stated them (S-276). */
  readonly capabilities?: number | undefined;
  /**
   * The connection epoch: the link's id over WebSocket; over HTTP the link's id and a count of the agent's boots, so
   * that it differs after a restart of either side. Undefined until the first message.
   */
  readonly epoch?: string | undefined;
  /** This process of the agent has told the status of its remote configuration: a full state without it is none. */
  readonly toldStatus: boolean;
  readonly count: Count;
  /** Full-state requests since the last full state, and when the last went out (S-097). */
  readonly asks: number;
  readonly askedAt: number;
  /** What the next answer has to say: an HTTP agent can only be spoken to when it polls (S-034). */
  readonly fullStateDue: boolean;
  readonly restartDue: boolean;
  /** Open WebSockets that spoke as this agent before its link did, eldest first. */
  readonly older: readonly Link[];
  /** Links that use this uid although it belongs to another agent, and the uids that were given to them (S-085). */
  readonly intruders: readonly { readonly link: Link; readonly newUid: InstanceUid }[];
}

/** What the server holds in memory about the protocol side of one agent. An immutable value. */
export type Session = Memory &
  (
    | { readonly state: 'online'; readonly link: Link }
    /** Not reachable, or not yet heard. What it reported stays true as far as we know. */
    | { readonly state: 'offline'; readonly link?: undefined }
    /** The uid was replaced: what still arrives under it is answered with the new one, and nothing else (S-083). */
    | { readonly state: 'moved'; readonly link?: undefined; readonly newUid: InstanceUid }
  );

export type SessionIn<State extends Session['state']> = Extract<Session, { readonly state: State }>;

const nothingDue = { fullStateDue: false, restartDue: false };

/** The session of a uid that this server process has not heard yet. */
export function newSession(uid: InstanceUid): SessionIn<'offline'> {
  return {
    state: 'offline',
    uid,
    knowledge: 'unknown',
    toldStatus: false,
    count: { boots: 0, displaced: [], crossings: 0 },
    asks: 0,
    askedAt: Number.NEGATIVE_INFINITY,
    ...nothingDue,
    older: [],
    intruders: [],
  };
}

/** The session on this link; the WebSocket it leaves may speak up later. An answered HTTP exchange may not (S-037). */
export function online(session: SessionIn<'online' | 'offline'>, link: Link): SessionIn<'online'> {
  if (session.state === 'online' && session.link.id === link.id) return session;
  const older = session.link?.transport === 'websocket' ? [...session.older, session.link] : session.older;
  return { ...session, state: 'online', link, older };
}

/** The session without its link. */
export function offline(session: SessionIn<'online'>): SessionIn<'offline'> {
  // Over HTTP every agent of this uid shares one link: an exclusion must not outlive the agent that it protects.
  const intruders = session.intruders.filter(({ link }) => link.transport !== 'http');
  return { ...session, state: 'offline', link: undefined, older: [], intruders, ...nothingDue };
}
