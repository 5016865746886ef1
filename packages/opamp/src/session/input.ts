import type { AgentToServer } from '../generated/opamp/v1/opamp_pb.js';
import type { InstanceUid } from '../instance-uid.ts';
import type { Offer } from './offer.ts';
import type { Link } from './session.ts';

/** A decoded message, and the bytes it came in (a repetition is recognised by them, S-054). */
export interface MessageInput {
  readonly kind: 'message';
  readonly link: Link;
  readonly message: AgentToServer;
  readonly payload: Uint8Array;
}

/** A WebSocket has ended. Goes to every session that heard it, intruders' links included. */
export interface LinkClosedInput {
  readonly kind: 'link-closed';
  readonly link: string;
}

/** The shell's patience with a silent agent is over (S-046): the only end of an HTTP agent without goodbye. */
export interface SilentInput {
  readonly kind: 'silent';
}

/** The domain lacks something of this agent's state. */
export interface AskFullStateInput {
  readonly kind: 'ask-full-state';
}

/** The domain does not know the component map of the reported hash (S-243). */
export interface AskComponentsInput {
  readonly kind: 'ask-components';
}

/** An operator wants the agent restarted: sent once, only while it is online (S-232). */
export interface RestartInput {
  readonly kind: 'restart';
}

/** Give the agent another uid (S-079, S-082). `answering`: the link on which an answer is due right now. */
export interface ReassignInput {
  readonly kind: 'reassign';
  readonly newUid: InstanceUid;
  readonly answering?: Link | undefined;
}

/** Give another uid to the link that a `conflict` named (S-085); this agent keeps its own. */
export interface EvictInput {
  readonly kind: 'evict';
  readonly newUid: InstanceUid;
  readonly intruder: Link;
}

/** The domain has something to say now. Over HTTP attach it to the next answer instead. */
export interface OfferInput {
  readonly kind: 'offer';
  readonly offer: Offer;
}

/** Everything that can happen to a session. */
export type Input =
  | MessageInput
  | LinkClosedInput
  | SilentInput
  | AskFullStateInput
  | AskComponentsInput
  | RestartInput
  | ReassignInput
  | EvictInput
  | OfferInput;
