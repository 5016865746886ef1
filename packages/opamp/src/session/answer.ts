import { AgentCapabilities, ServerCapabilities, ServerToAgentFlags } from '../generated/opamp/v1/opamp_pb.js';
import type { InstanceUid } from '../instance-uid.ts';
import { sessionLimits } from '../limits.ts';
import type { Reply } from '../reply.ts';
import type { Fact } from './fact.ts';
import { can } from './offer.ts';
import {
  type Link,
  type MovedSession,
  nothingPending,
  type OnlineSession,
  type Pending,
  type Session,
} from './session.ts';

/** Status, remote configuration and effective configuration. */
export const defaultServerCapabilities: number =
  ServerCapabilities.ServerCapabilities_AcceptsStatus |
  ServerCapabilities.ServerCapabilities_OffersRemoteConfig |
  ServerCapabilities.ServerCapabilities_AcceptsEffectiveConfig;

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
  readonly serverCapabilities: number;
}

/** A reply that says nothing but who and what we are (S-048, A7). */
export function plain({ uid }: Session, { serverCapabilities: capabilities }: Context): Reply {
  return { uid, capabilities };
}

/** The session with something to say. */
export function want(session: OnlineSession, pending: Partial<Pending>): OnlineSession {
  return { ...session, pending: { ...session.pending, ...pending } };
}

/** Says what is pending; the rest stays for another message when a command has to go alone (S-230). */
export function speak(session: OnlineSession, context: Context): Exchange {
  const { link, pending } = session;
  const reply = plain(session, context);
  if (pending === nothingPending) return { session, deliveries: [{ link, reply }], facts: [] };
  // The agent may have stopped accepting the command while that waited for the poll (S-069).
  if (pending.restart && can(session, AgentCapabilities.AgentCapabilities_AcceptsRestartCommand)) {
    const deliveries = [{ link, reply: { ...reply, command: 'restart' as const } }];
    return { session: want(session, { restart: false }), deliveries, facts: [] };
  }
  const { fullState, newUid } = pending;
  const flags = fullState ? ServerToAgentFlags.ServerToAgentFlags_ReportFullState : undefined;
  const asked = fullState && { asks: session.asks + 1, askedAt: context.now };
  const after: OnlineSession = { ...session, ...asked, pending: nothingPending };
  const deliveries = [{ link, reply: { ...reply, ...(flags && { flags }), ...(newUid && { newUid }) } }];
  if (newUid === undefined) return { session: after, deliveries, facts: [] };
  const { link: _link, ...rest } = after;
  const moved: MovedSession = { ...rest, state: 'moved', newUid, older: [] };
  const successor: OnlineSession = { ...after, uid: newUid, older: [], intruders: [] };
  return { session: moved, deliveries, facts: [], successor };
}

/**
 * Whether asking for the full state now keeps within its limits (S-097).
 * @param fresh after a gap, on a new link or for a first message: a request made earlier may be what was lost
 */
export function mayAsk({ asks, askedAt }: Session, { now }: Context, fresh: boolean): boolean {
  const { fullStateBurst, fullStateRetryMs, fullStateRetryMaxMs } = sessionLimits;
  if (fresh && asks < fullStateBurst) return true;
  return now - askedAt >= Math.min(fullStateRetryMs * 2 ** Math.max(0, asks - 1), fullStateRetryMaxMs);
}
