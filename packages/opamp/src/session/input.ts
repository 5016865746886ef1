import type { AgentToServer } from '../generated/opamp/v1/opamp_pb.js';
import type { Link } from './session.ts';

/** A decoded message, and the bytes it came in (a repetition is recognised by them, S-054). */
export interface MessageInput {
  readonly kind: 'message';
  readonly link: Link;
  readonly message: AgentToServer;
  readonly payload: Uint8Array;
}

/**
 * A WebSocket has ended: goes to every session that heard it, intruders' links included. Over HTTP, the shell's patience
 * with one silent agent is over (S-046).
 */
export interface LinkClosedInput {
  readonly kind: 'link-closed';
  readonly link: string;
}

/**
 * Everything that can happen to a session.
 * - `ask-full-state`: the domain lacks something of this agent's state.
 * - `restart`: an operator wants the agent restarted: sent once, only while it is online (S-232).
 */
export type Input = MessageInput | LinkClosedInput | { readonly kind: 'ask-full-state' | 'restart' };
