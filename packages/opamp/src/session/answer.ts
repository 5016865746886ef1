import { type AgentToServer, ServerToAgentFlags } from '../generated/opamp/v1/opamp_pb.js';
import type { InstanceUid } from '../instance-uid.ts';
import { sessionLimits } from '../limits.ts';
import type { Content, Reply } from '../reply.ts';
import type { Link, Session, SessionIn } from './session.ts';

/** The parts of an agent's state that a server has use for; others are taken in and ignored. */
export const parts = [
  'agentDescription',
  'health',
  'effectiveConfig',
  'remoteConfigStatus',
  'availableComponents',
] as const;
type Part = (typeof parts)[number];

/** Why an intent had no effect. `rate`: asked too recently (S-097). */
export type Refusal = 'offline' | 'capability' | 'rate';

/**
 * What happened, as plain data in the protocol's words. Whether a part differs from what was reported before is for the
 * reader to find out (S-093).
 */
export type Fact =
  /** A part that a message holds: it replaces what was reported before (S-092), an absent one means unchanged (S-091). */
  | { [Kind in Part]: { readonly kind: Kind; readonly value: NonNullable<AgentToServer[Kind]> } }[Part]
  | { readonly kind: 'connected' | 'disconnected' }
  /** A new process of the agent (S-096); or messages are missing between what is known and this one (S-088). */
  | { readonly kind: 'reboot' | 'gap' }
  /** Changed bits of AgentCapabilities. */
  | { readonly kind: 'capabilities'; readonly capabilities: number }
  /** The message was complete: parts it does not hold, the agent does not have. */
  | { readonly kind: 'full-state' }
  /** Other agents use this uid; they have been given new ones (S-084, S-085). */
  | { readonly kind: 'conflict' }
  | { readonly kind: 'refused'; readonly reason: Refusal };

/** A reply and where it goes: a draft, see `attach`, to be sent once the facts are stored (S-051). */
export interface Delivery {
  /** Most often the one that the message came over; another one for an agent that lost its uid. */
  readonly link: Link;
  /** For `encodeReply`. */
  readonly reply: Reply;
}

/** The outcome of one input. */
export interface Exchange {
  /** The session after it: the same reference when nothing changed. */
  readonly session: Session;
  /** A message has its answer here (S-047), and those who lost their uid theirs. */
  readonly deliveries: readonly Delivery[];
  /** What it told, in an order in which a reader can make sense of it; empty when nothing. */
  readonly facts: readonly Fact[];
  /** The agent goes on under another uid, with this session. `session` stays to answer latecomers (S-083). */
  readonly successor?: SessionIn<'online'>;
}

/** What a transition needs besides the session and the input. */
export interface Context {
  readonly now: number;
  /** Makes a fresh uid. */
  readonly newUid: () => InstanceUid;
}

/** An outcome without a word. */
export function quiet(session: Session, ...facts: readonly Fact[]): Exchange {
  return { session, deliveries: [], facts };
}

/** An outcome with a word to who speaks over the link, be it only that it was heard (S-048, A7). */
export function answer(session: Session, link: Link, content: Content = {}, ...facts: readonly Fact[]): Exchange {
  return { session, deliveries: [{ link, reply: { uid: session.uid, ...content } }], facts };
}

/** Says what is due; the rest waits for another message when a command goes alone (S-230). */
export function speak(session: SessionIn<'online'>, now: number): Exchange {
  const { link, asks, restartDue, fullStateDue } = session;
  if (restartDue) return answer({ ...session, restartDue: false }, link, { command: 'restart' });
  if (!fullStateDue) return answer(session, link);
  const after = { ...session, fullStateDue: false, asks: asks + 1, askedAt: now };
  return answer(after, link, { flags: ServerToAgentFlags.ServerToAgentFlags_ReportFullState });
}

/**
 * Whether asking for the full state now keeps within its limits (S-097).
 * @param fresh after a gap, on a new link or for a first message: a request made earlier may be what was lost
 */
export function mayAsk({ asks, askedAt }: Session, now: number, fresh: boolean): boolean {
  const { fullStateBurst, fullStateRetryMs, fullStateRetryMaxMs } = sessionLimits;
  if (fresh && asks < fullStateBurst) return true;
  return now - askedAt >= Math.min(fullStateRetryMs * 2 ** Math.max(0, asks - 1), fullStateRetryMaxMs);
}
