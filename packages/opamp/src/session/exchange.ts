import { AgentCapabilities } from '../generated/opamp/v1/opamp_pb.js';
import type { InstanceUid } from '../instance-uid.ts';
import { type Context, defaultServerCapabilities, type Exchange, mayAsk, plain, speak, want } from './answer.ts';
import type { Refusal } from './fact.ts';
import { hear } from './hear.ts';
import type { Input, LinkClosedInput, MessageInput } from './input.ts';
import { attach, can } from './offer.ts';
import { type Link, type OnlineSession, offline, type Pending, type Session } from './session.ts';

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
  readonly restart: Input;
  readonly reassign: Extract<Input, { kind: 'reassign' }>;
  readonly offer: Extract<Input, { kind: 'offer' }>;
}
export type EventKind = keyof Events;

type In<S extends State> = Extract<Session, { state: S }>;
type Cell<S extends State, E extends EventKind> = (session: In<S>, input: Events[E], context: Context) => Exchange;
type Table = { readonly [S in State]: { readonly [E in EventKind]: Cell<S, E> } };

/** What is the same for all that have no link. */
const unreachable = {
  'own-link-closed': silently,
  'other-link-closed': forgetLink,
  silent: silently,
  'ask-full-state': refuse('offline'),
  restart: refuse('offline'),
  reassign: refuse('offline'),
  offer: refuse('offline'),
} as const;

/** The transition table: every state meets every event. */
export const transitions: Table = {
  online: {
    heard: (session, input, context) => hear(session, input, context),
    'heard-elsewhere': connect,
    'heard-displaced': dispute,
    'heard-intruder': redirect,
    'own-link-closed': leave('closed'),
    'other-link-closed': forgetLink,
    silent: leave('silent'),
    'ask-full-state': askFullState,
    restart,
    reassign: (session, { newUid }, context) => say(session, { newUid }, context),
    offer: push,
  },
  offline: {
    heard: connect,
    'heard-elsewhere': connect,
    'heard-displaced': connect,
    'heard-intruder': redirect,
    ...unreachable,
  },
  moved: {
    heard: redirect,
    'heard-elsewhere': redirect,
    'heard-displaced': redirect,
    'heard-intruder': redirect,
    ...unreachable,
  },
};

/**
 * What becomes of a session when something happens. Pure but for `newUid`; never throws for any input. See SPEC.md.
 * @param now milliseconds, monotonic within the life of the session
 * @param newUid makes a fresh uid, see `newUuidV7`; asked only when one is needed
 * @param serverCapabilities bits of ServerCapabilities: only what the server really does (S-067), AcceptsStatus always
 *   (S-065)
 */
export function exchange(
  session: Session,
  input: Input,
  now: number,
  newUid: () => InstanceUid,
  serverCapabilities: number = defaultServerCapabilities,
): Exchange {
  // One cast where the table is entered: the compiler cannot follow that row and column belong to the arguments.
  const cell = transitions[session.state][eventOf(session, input)] as Cell<State, EventKind>;
  return cell(session as never, input as never, { now, newUid, serverCapabilities });
}

/** The column of the transition table for an input. */
export function eventOf(session: Session, input: Input): EventKind {
  if (input.kind === 'link-closed') {
    return session.link?.id === input.link ? 'own-link-closed' : 'other-link-closed';
  }
  if (input.kind !== 'message') return input.kind;
  const { id } = input.link;
  if (session.intruders.some(({ link }) => link.id === id)) return 'heard-intruder';
  if (session.link?.id === id) return 'heard';
  return session.older.some((link) => link.id === id) ? 'heard-displaced' : 'heard-elsewhere';
}

/** Nothing is said, and nothing has happened that anybody would want to know. */
function silently(session: Session): Exchange {
  return { session, deliveries: [], facts: [] };
}

function refuse(reason: Refusal) {
  return (session: Session): Exchange => ({ ...silently(session), facts: [{ kind: 'refused', reason }] });
}

/** Another link speaks: most often a reconnect whose old socket is still half open (S-257), so without a word. */
function connect(session: In<'online' | 'offline'>, input: MessageInput, context: Context): Exchange {
  const { link } = input;
  // An HTTP exchange is over when it is answered (S-037): it is no link that could speak up later.
  const left: readonly Link[] = session.link?.transport === 'websocket' ? [session.link] : [];
  const older = [...session.older, ...left];
  return hear({ ...session, state: 'online', link, older }, input, context, session);
}

/** A link that was given up is alive after all: so two agents, of which the one that came first keeps the uid (S-084). */
function dispute(session: OnlineSession, input: MessageInput, context: Context): Exchange {
  const { link, message } = input;
  const rank = session.older.findIndex(({ id }) => id === link.id);
  const reply = plain(session, context);
  if (message.agentDisconnect) {
    // The old connection of one agent says goodbye late.
    const older = session.older.toSpliced(rank, 1);
    return { session: { ...session, older }, deliveries: [{ link, reply }], facts: [] };
  }
  const younger = [...session.older.slice(rank + 1), session.link];
  const intruders = younger.map((each) => ({ link: each, newUid: context.newUid() }));
  const restored: OnlineSession = {
    ...session,
    link,
    older: session.older.slice(0, rank),
    intruders: [...session.intruders, ...intruders],
    // What is known may be an intruder's, whose numbers may even fit.
    count: { ...session.count, crossings: 0 },
    knowledge: 'unknown',
    asks: 0,
  };
  const { deliveries, facts, ...heard } = hear(restored, input, context, session);
  const evictions = intruders.map(({ link, newUid }) => ({ link, reply: { ...reply, newUid } }));
  return {
    ...heard,
    deliveries: [...deliveries, ...evictions],
    facts: [{ kind: 'conflict', intruders: younger }, ...facts],
  };
}

/**
 * Nothing is taken in of what an excluded link says, or who comes late under a uid that was replaced: no ghosts (S-083).
 * They get the uid they were given, again if need be (S-085).
 */
function redirect(session: Session, { link }: MessageInput, context: Context): Exchange {
  const excluded = session.intruders.find((intruder) => intruder.link.id === link.id);
  const newUid = excluded?.newUid ?? (session.state === 'moved' ? session.newUid : undefined);
  return { session, deliveries: [{ link, reply: { ...plain(session, context), newUid } }], facts: [] };
}

function leave(reason: 'closed' | 'silent') {
  return (session: OnlineSession): Exchange => {
    return { ...silently(offline(session)), facts: [{ kind: 'disconnected', reason }] };
  };
}

function forgetLink(session: Session, input: LinkClosedInput): Exchange {
  const older = session.older.filter(({ id }) => id !== input.link);
  const intruders = session.intruders.filter(({ link }) => link.id !== input.link);
  const forgotten = older.length < session.older.length || intruders.length < session.intruders.length;
  return silently(forgotten ? { ...session, older, intruders } : session);
}

/** Now, or over HTTP with the answer to the next poll (S-034). */
function say(session: OnlineSession, pending: Partial<Pending>, context: Context): Exchange {
  const wanted = want(session, pending);
  return session.link.transport === 'http' ? silently(wanted) : speak(wanted, context);
}

function askFullState(session: OnlineSession, _input: Input, context: Context): Exchange {
  // An agent that answered the last request may be asked again at once; one that did not is asked ever less often.
  const soon = !mayAsk(session, context, session.asks === 0);
  return soon ? refuse('rate')(session) : say(session, { fullState: true }, context);
}

function restart(session: OnlineSession, _input: Input, context: Context): Exchange {
  const accepts = can(session, AgentCapabilities.AgentCapabilities_AcceptsRestartCommand);
  return accepts ? say(session, { restart: true }, context) : refuse('capability')(session);
}

function push(session: OnlineSession, { offer }: Events['offer'], context: Context): Exchange {
  const { link } = session;
  if (link.transport === 'http') return refuse('polls')(session);
  const reply = plain(session, context);
  const attached = attach(session, reply, offer);
  if (attached === reply) return refuse('capability')(session);
  return { session, deliveries: [{ link, reply: attached }], facts: [] };
}
