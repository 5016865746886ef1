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

/**
 * Everything that can happen to a session.
 * - `silent`: the shell's patience with a silent agent is over (S-046), the only end of an HTTP agent without goodbye.
 * - `ask-full-state`: the domain lacks something of this agent's state.
 * - `restart`: an operator wants the agent restarted: sent once, only while it is online (S-232).
 * - `reassign`: give the agent another uid (S-082).
 * - `offer`: the domain has something to say now. Over HTTP attach it to the next answer instead.
 */
export type Input =
  | MessageInput
  | LinkClosedInput
  | { readonly kind: 'silent' | 'ask-full-state' | 'restart' }
  | { readonly kind: 'reassign'; readonly newUid: InstanceUid }
  | { readonly kind: 'offer'; readonly offer: Offer };
