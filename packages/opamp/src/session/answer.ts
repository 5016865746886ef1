import { ServerToAgentFlags } from '../generated/opamp/v1/opamp_pb.js';
import type { InstanceUid } from '../instance-uid.ts';
import { sessionLimits } from '../limits.ts';
import type { Reply } from '../reply.ts';
import type { Fact } from './fact.ts';
import type { Link, OnlineSession, Session } from './session.ts';

/** A reply and where it goes: a draft, see `attach`, to be sent once the facts are stored (S-051). */
export interface Delivery {
  readonly link: Link;
  readonly reply: Reply;
}

/** The outcome of one input. */
export interface Exchange {
  /** The session after it: the same reference when nothing changed. */
  readonly session: Session;
  /** A message has its answer here (S-047), and those who lost their uid theirs. */
  readonly deliveries: readonly Delivery[];
  readonly facts: readonly Fact[];
  /** The agent goes on under another uid, with this session. `session` stays to answer latecomers (S-083). */
  readonly successor?: OnlineSession;
}

/** What a transition needs besides the session and the input. */
export interface Context {
  readonly now: number;
  /** Makes a fresh uid. */
  readonly newUid: () => InstanceUid;
}

/** Says what is due, if only a word (S-048, A7); the rest waits for another message when a command goes alone (S-230). */
export function speak(session: OnlineSession, now: number): Exchange {
  const { uid, link, asks } = session;
  if (session.restartDue) {
    const after = { ...session, restartDue: false };
    return { session: after, deliveries: [{ link, reply: { uid, command: 'restart' } }], facts: [] };
  }
  if (!session.fullStateDue) return { session, deliveries: [{ link, reply: { uid } }], facts: [] };
  const after = { ...session, fullStateDue: false, asks: asks + 1, askedAt: now };
  const flags = ServerToAgentFlags.ServerToAgentFlags_ReportFullState;
  return { session: after, deliveries: [{ link, reply: { uid, flags } }], facts: [] };
}

/** Gives the agent another uid, under which it goes on as it is; what is due can wait for it to come back. */
export function rename(session: OnlineSession, newUid: InstanceUid): Exchange {
  return {
    session: { ...session, state: 'moved', link: undefined, older: [], newUid },
    deliveries: [{ link: session.link, reply: { uid: session.uid, newUid } }],
    facts: [],
    successor: { ...session, uid: newUid, older: [], intruders: [] },
  };
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
