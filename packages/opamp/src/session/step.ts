import { AgentCapabilities, ServerToAgentFlags } from '../generated/opamp/v1/opamp_pb.js';
import {
  answer,
  asked,
  type Context,
  defaultSessionSettings,
  mayAsk,
  move,
  plain,
  type SessionSettings,
  type Step,
} from './answer.ts';
import type { Refusable, Refusal } from './fact.ts';
import { hear } from './hear.ts';
import type { EvictInput, Input, LinkClosedInput, MessageInput, OfferInput, ReassignInput } from './input.ts';
import { attach, can } from './offer.ts';
import {
  type Link,
  type MovedSession,
  type OfflineSession,
  type OnlineSession,
  offline,
  type Session,
} from './session.ts';

/** The rows of the transition table. */
export type State = Session['state'];

/**
 * The columns: an input, told apart by whose link it is about. A `heard` comes over the link the agent is on, or over a
 * link (`heard-elsewhere`) that the session does not know, had to give up to a newer one, or has excluded.
 */
export interface Events {
  readonly heard: MessageInput;
  readonly 'heard-elsewhere': MessageInput;
  readonly 'heard-displaced': MessageInput;
  readonly 'heard-intruder': MessageInput;
  readonly 'own-link-closed': LinkClosedInput;
  readonly 'other-link-closed': LinkClosedInput;
  readonly silent: Input;
  readonly 'ask-full-state': Input;
  readonly 'ask-components': Input;
  readonly restart: Input;
  readonly reassign: ReassignInput;
  readonly evict: EvictInput;
  readonly offer: OfferInput;
}
export type EventKind = keyof Events;

type In<S extends State> = Extract<Session, { state: S }>;
type Cell<S extends State, E extends EventKind> = (
  session: In<S>,
  input: Events[E],
  context: Context,
) => Step;
type Table = { readonly [S in State]: { readonly [E in EventKind]: Cell<S, E> } };

/** The transition table: every state meets every event. */
export const transitions: Table = {
  new: {
    heard: connect,
    'heard-elsewhere': connect,
    'heard-displaced': connect,
    'heard-intruder': shun,
    'own-link-closed': ignore,
    'other-link-closed': ignore,
    silent: ignore,
    'ask-full-state': ignore,
    'ask-components': refuse('ask-components', 'offline'),
    restart: refuse('restart', 'offline'),
    reassign: refuse('reassign', 'offline'),
    evict: ignore,
    offer: refuse('offer', 'offline'),
  },
  online: {
    heard: (session, input, context) => hear(session, input, context),
    'heard-elsewhere': takeOver,
    'heard-displaced': dispute,
    'heard-intruder': shun,
    'own-link-closed': leave('closed'),
    'other-link-closed': forgetLink,
    silent: leave('silent'),
    'ask-full-state': askFullState,
    'ask-components': askComponents,
    restart,
    reassign,
    evict,
    offer: push,
  },
  offline: {
    heard: connect,
    'heard-elsewhere': connect,
    'heard-displaced': connect,
    'heard-intruder': shun,
    'own-link-closed': ignore,
    'other-link-closed': forgetLink,
    silent: ignore,
    'ask-full-state': askLater,
    'ask-components': refuse('ask-components', 'offline'),
    restart: refuse('restart', 'offline'),
    reassign: refuse('reassign', 'offline'),
    evict,
    offer: refuse('offer', 'offline'),
  },
  moved: {
    heard: redirect,
    'heard-elsewhere': redirect,
    'heard-displaced': redirect,
    'heard-intruder': shun,
    'own-link-closed': ignore,
    'other-link-closed': forgetLink,
    silent: ignore,
    'ask-full-state': ignore,
    'ask-components': refuse('ask-components', 'offline'),
    restart: refuse('restart', 'offline'),
    reassign: refuse('reassign', 'offline'),
    evict,
    offer: refuse('offer', 'offline'),
  },
};

/**
 * What becomes of a session when something happens. Pure; never throws for any input. See SPEC.md.
 * @param now milliseconds, monotonic within the life of the session
 */
export function step(
  session: Session,
  input: Input,
  now: number,
  settings: SessionSettings = defaultSessionSettings,
): Step {
  // One cast where the table is entered: the compiler cannot follow that row and column belong to the arguments.
  const cell = transitions[session.state][eventOf(session, input)] as Cell<State, EventKind>;
  return cell(session as never, input as never, { now, settings });
}

/** The column of the transition table for an input. */
export function eventOf(session: Session, input: Input): EventKind {
  if (input.kind === 'link-closed') {
    return session.link?.id === input.link ? 'own-link-closed' : 'other-link-closed';
  }
  if (input.kind !== 'message') return input.kind;
  const { id } = input.link;
  if (session.intruders.some(({ link }) => link.id === id)) return 'heard-intruder';
  if (session.state !== 'online') return 'heard-elsewhere';
  if (session.link.id === id) return 'heard';
  return session.links.some((link) => link.id === id) ? 'heard-displaced' : 'heard-elsewhere';
}

function ignore(session: Session): Step {
  return { session, facts: [] };
}

function refuse(intent: Refusable, reason: Refusal) {
  return (session: Session): Step => ({ session, facts: [{ kind: 'refused', intent, reason }] });
}

function connect(session: In<'new' | 'offline'>, input: MessageInput, context: Context): Step {
  const { link } = input;
  return hear({ ...session, state: 'online', link, links: [link] }, input, context, session);
}

/** A new link speaks: most often a reconnect whose old socket is still half open (S-257), so without a word. */
function takeOver(session: OnlineSession, input: MessageInput, context: Context): Step {
  const { link } = input;
  // An HTTP exchange is over when it is answered (S-037): it is no link that could speak up later.
  const open = session.links.filter(({ transport }) => transport === 'websocket');
  return hear({ ...session, link, links: [...open, link] }, input, context, session);
}

/** A link that was taken over is alive after all: two agents, of which the one that came first keeps the uid (S-084). */
function dispute(session: OnlineSession, input: MessageInput, context: Context): Step {
  const rank = (link: Link) => session.links.findIndex(({ id }) => id === link.id);
  const elderSpeaks = rank(input.link) < rank(session.link);
  const intruder = elderSpeaks ? session.link : input.link;
  const links = session.links.filter(
    ({ id }) => id !== (input.message.agentDisconnect ? input.link : intruder).id,
  );
  if (input.message.agentDisconnect) {
    // The old connection of one agent says goodbye late.
    return { session: { ...session, links }, link: input.link, reply: plain(session, context), facts: [] };
  }
  const intruders = [...session.intruders, { link: intruder, newUid: undefined }];
  const facts = [{ kind: 'conflict', intruder }] as const;
  if (!elderSpeaks) return { session: { ...session, links, intruders }, facts };
  // What is known may be the intruder's, whose numbers may even fit.
  const restored: OnlineSession = {
    ...session,
    link: input.link,
    links,
    intruders,
    knowledge: 'unknown',
    asks: 0,
  };
  const heard = hear(restored, input, context, session);
  return { ...heard, facts: [...facts, ...heard.facts] };
}

/** What an excluded link says is not taken in. It gets the uid it was given, again if need be (S-085). */
function shun(session: Session, input: MessageInput, context: Context): Step {
  const newUid = session.intruders.find(({ link }) => link.id === input.link.id)?.newUid;
  const reply = plain(session, context);
  if (input.message.agentDisconnect) return { session, link: input.link, reply, facts: [] };
  if (newUid === undefined) return { session, facts: [{ kind: 'conflict', intruder: input.link }] };
  return { session, link: input.link, reply: { ...reply, newUid }, facts: [] };
}

function evict(session: Session, { intruder, newUid }: EvictInput, context: Context): Step {
  const intruders = session.intruders.map((known) =>
    known.link.id === intruder.id ? { ...known, newUid } : known,
  );
  const reply = { ...plain(session, context), newUid };
  return { session: { ...session, intruders }, link: intruder, reply, facts: [] };
}

function leave(reason: 'closed' | 'silent') {
  return (session: OnlineSession): Step => ({
    session: offline(session),
    facts: [{ kind: 'disconnected', reason }],
  });
}

function forgetLink(session: Session, input: LinkClosedInput): Step {
  const intruders = session.intruders.filter(({ link }) => link.id !== input.link);
  const left = intruders.length === session.intruders.length ? session : { ...session, intruders };
  if (left.state !== 'online') return { session: left, facts: [] };
  const links = left.links.filter(({ id }) => id !== input.link);
  return { session: links.length === left.links.length ? left : { ...left, links }, facts: [] };
}

function askLater<S extends OnlineSession | OfflineSession>(session: S): Step {
  const flags = session.pending.flags | ServerToAgentFlags.ServerToAgentFlags_ReportFullState;
  if (flags === session.pending.flags) return { session, facts: [] };
  return { session: { ...session, pending: { ...session.pending, flags } }, facts: [] };
}

function askFullState(session: OnlineSession, _input: Input, context: Context): Step {
  if (!mayAsk(session, context, false)) return refuse('ask-full-state', 'rate')(session);
  if (session.link.transport === 'http') return askLater(session);
  const flags = ServerToAgentFlags.ServerToAgentFlags_ReportFullState;
  const reply = { ...plain(session, context), flags };
  return { session: asked(session, context), link: session.link, reply, facts: [] };
}

function askComponents(session: OnlineSession, _input: Input, context: Context): Step {
  const components = ServerToAgentFlags.ServerToAgentFlags_ReportAvailableComponents;
  if (!can(session, AgentCapabilities.AgentCapabilities_ReportsAvailableComponents)) {
    return refuse('ask-components', 'capability')(session);
  }
  if (session.link.transport === 'websocket') {
    return {
      session,
      link: session.link,
      reply: { ...plain(session, context), flags: components },
      facts: [],
    };
  }
  const pending = { ...session.pending, flags: session.pending.flags | components };
  return { session: { ...session, pending }, facts: [] };
}

function restart(session: OnlineSession, _input: Input, context: Context): Step {
  if (!can(session, AgentCapabilities.AgentCapabilities_AcceptsRestartCommand)) {
    return refuse('restart', 'capability')(session);
  }
  const pending = { ...session, pending: { ...session.pending, restart: true } };
  if (session.link.transport === 'http') return { session: pending, facts: [] };
  return answer(pending, { full: true, fresh: false }, context);
}

function reassign(session: OnlineSession, input: ReassignInput, context: Context): Step {
  const { newUid, answering } = input;
  const link = session.link.transport === 'websocket' ? session.link : answering;
  if (link !== undefined) return move(session, newUid, link, plain(session, context));
  return { session: { ...session, pending: { ...session.pending, newUid } }, facts: [] };
}

/** Latecomers under the old uid make no ghost (S-083): they learn the new one, and nothing of theirs is taken in. */
function redirect(session: MovedSession, input: MessageInput, context: Context): Step {
  const { newUid } = session;
  const reply = { ...plain(session, context), newUid };
  const answers = session.answers + 1;
  const ignored = answers === context.settings.limits.reassignAnswers;
  const facts = ignored ? [{ kind: 'reassign-ignored', newUid } as const] : [];
  return { session: { ...session, answers }, link: input.link, reply, facts };
}

function push(session: OnlineSession, { offer }: OfferInput, context: Context): Step {
  if (session.link.transport === 'http') return refuse('offer', 'polls')(session);
  const reply = plain(session, context);
  const attached = attach(session, reply, offer);
  if (attached === reply) return refuse('offer', 'capability')(session);
  return { session, link: session.link, reply: attached, facts: [] };
}
