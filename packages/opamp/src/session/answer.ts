import { AgentCapabilities, ServerCapabilities, ServerToAgentFlags } from '../generated/opamp/v1/opamp_pb.js';
import type { InstanceUid } from '../instance-uid.ts';
import { defaultSessionLimits, type SessionLimits } from '../limits.ts';
import type { Reply } from '../reply.ts';
import type { Fact } from './fact.ts';
import { can } from './offer.ts';
import { type Link, type MovedSession, nothingPending, type OnlineSession, type Session } from './session.ts';

/** What a session needs to know about the server it is part of. */
export interface SessionSettings {
  /** Bits of ServerCapabilities: only what the server really does (S-067); AcceptsStatus always (S-065). */
  readonly serverCapabilities: number;
  readonly limits: SessionLimits;
}

/** Status, remote configuration and effective configuration. */
export const defaultSessionSettings: SessionSettings = {
  serverCapabilities:
    ServerCapabilities.ServerCapabilities_AcceptsStatus |
    ServerCapabilities.ServerCapabilities_OffersRemoteConfig |
    ServerCapabilities.ServerCapabilities_AcceptsEffectiveConfig,
  limits: defaultSessionLimits,
};

/** The outcome of one input. */
export interface Step {
  /** The session after it: the same reference when nothing changed. */
  readonly session: Session;
  /** What to send over `link`, once the facts are stored (S-051); a draft, see `attach`. */
  readonly reply?: Reply;
  readonly link?: Link;
  readonly facts: readonly Fact[];
  /** After `reassigned`: the session of the new uid. `session` stays behind to answer latecomers (S-083). */
  readonly successor?: OnlineSession;
}

/** Time and settings of a step. */
export interface Context {
  readonly now: number;
  readonly settings: SessionSettings;
}

const fullStateFlag = ServerToAgentFlags.ServerToAgentFlags_ReportFullState;

/** A reply that says nothing but who and what we are (S-048, A7). */
export function plain(session: Session, { settings }: Context): Reply {
  return { uid: session.uid, capabilities: settings.serverCapabilities };
}

/** How the message that is answered bears on the answer. */
export interface Occasion {
  /** It held the full state: asking for it again would loop. */
  readonly full: boolean;
  /** A gap, a new link or a first message: a request made earlier may be what was lost. */
  readonly fresh: boolean;
}

/** The answer to a message: what is pending, and a request for the full state where it is missing. */
export function answer(session: OnlineSession, occasion: Occasion, context: Context): Step {
  const { link, pending } = session;
  const reply = plain(session, context);
  if (pending.restart) {
    const after = { ...session, pending: { ...pending, restart: false } };
    if (can(session, AgentCapabilities.AgentCapabilities_AcceptsRestartCommand)) {
      return {
        session: after,
        link,
        reply: { ...reply, command: 'restart' },
        facts: [{ kind: 'restart-sent' }],
      };
    }
    // It stopped accepting the command while that waited for the poll (S-069).
    const rest = answer(after, occasion, context);
    return { ...rest, facts: [{ kind: 'refused', intent: 'restart', reason: 'capability' }, ...rest.facts] };
  }
  let flags = occasion.full ? pending.flags & ~fullStateFlag : pending.flags;
  if (session.knowledge !== 'synced' && mayAsk(session, context, occasion.fresh)) flags |= fullStateFlag;
  let after = pending.flags === 0 ? session : { ...session, pending: { ...pending, flags: 0 } };
  if (flags & fullStateFlag) after = asked(after, context);
  const flagged = flags === 0 ? reply : { ...reply, flags };
  if (pending.newUid !== undefined) return move(after, pending.newUid, link, flagged);
  return { session: after, link, reply: flagged, facts: [] };
}

/** The session that has just asked for the full state. */
export function asked<S extends Session>(session: S, { now }: Context): S {
  return { ...session, knowledge: 'asked', asks: session.asks + 1, askedAt: now };
}

/** Whether asking for the full state now keeps within its limits (S-097). */
export function mayAsk(session: Session, { now, settings }: Context, fresh: boolean): boolean {
  const { fullStateBurst, fullStateRetryMs, fullStateRetryMaxMs } = settings.limits;
  if (fresh && session.asks < fullStateBurst) return true;
  const wait = Math.min(fullStateRetryMs * 2 ** Math.max(0, session.asks - 1), fullStateRetryMaxMs);
  return now - session.askedAt >= wait;
}

/** The agent goes on under `newUid`, with everything known about it; the old uid only answers latecomers. */
export function move(session: OnlineSession, newUid: InstanceUid, link: Link, reply: Reply): Step {
  const { links: _links, ...rest } = session;
  const moved: MovedSession = {
    ...rest,
    state: 'moved',
    link: undefined,
    newUid,
    answers: 0,
    pending: nothingPending,
  };
  const successor: OnlineSession = { ...session, uid: newUid, pending: nothingPending, intruders: [] };
  const facts: Fact[] = [{ kind: 'reassigned', newUid }];
  return { session: moved, link, reply: { ...reply, newUid }, facts, successor };
}
