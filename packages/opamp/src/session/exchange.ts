import { AgentCapabilities } from '../generated/opamp/v1/opamp_pb.js';
import type { InstanceUid } from '../instance-uid.ts';
import { answer, type Context, type Exchange, mayAsk, quiet, type Refusal, speak } from './answer.ts';
import { hear } from './hear.ts';
import { can } from './offer.ts';
import { type Input, type MessageInput, offline, online, type Session, type SessionIn } from './session.ts';

/** The rows of the transition table. */
export type State = Session['state'];

/**
 * The columns: an input, told apart by whose link it is about. A `heard` comes over the link the agent is on or over a new
 * one; the others over a link that it had to give up to a newer one, and over one that was excluded.
 */
interface Events {
  readonly heard: MessageInput;
  readonly 'heard-displaced': MessageInput;
  readonly 'heard-intruder': MessageInput;
  readonly 'own-link-closed': LinkClosed;
  readonly 'other-link-closed': LinkClosed;
  readonly 'ask-full-state': Input;
  readonly restart: Input;
}
export type EventKind = keyof Events;
type LinkClosed = Extract<Input, { kind: 'link-closed' }>;

type Table = {
  readonly [S in State]: {
    readonly [E in EventKind]: (session: SessionIn<S>, input: Events[E], context: Context) => Exchange;
  };
};

/** What is the same for all that have no link. */
const unreachable = {
  'heard-intruder': redirect,
  'own-link-closed': forgetLink,
  'other-link-closed': forgetLink,
  'ask-full-state': refuse('offline'),
  restart: refuse('offline'),
} as const;

/** The transition table: every state meets every event. */
export const transitions: Table = {
  online: {
    heard,
    'heard-displaced': dispute,
    'heard-intruder': redirect,
    'own-link-closed': leave,
    'other-link-closed': forgetLink,
    'ask-full-state': askFullState,
    restart,
  },
  offline: { heard, 'heard-displaced': heard, ...unreachable },
  moved: { heard: redirect, 'heard-displaced': redirect, ...unreachable },
};

/**
 * What becomes of a session when something happens. Pure but for `newUid`; never throws for any input. See SPEC.md.
 * @param now milliseconds, monotonic within the life of the session
 * @param newUid makes a fresh uid, see `newUuidV7`; asked only when one is needed
 */
export function exchange(session: Session, input: Input, now: number, newUid: () => InstanceUid): Exchange {
  // One cast where the table is entered: the compiler cannot follow that row and column belong to the arguments.
  const cell = transitions[session.state][eventOf(session, input)] as Table[State][EventKind];
  return cell(session as never, input as never, { now, newUid });
}

/** The column of the transition table for an input. */
export function eventOf(session: Session, input: Input): EventKind {
  if (input.kind === 'link-closed') return session.link?.id === input.link ? 'own-link-closed' : 'other-link-closed';
  if (input.kind !== 'message') return input.kind;
  const { id } = input.link;
  if (session.intruders.some(({ link }) => link.id === id)) return 'heard-intruder';
  return session.older.some((link) => link.id === id) ? 'heard-displaced' : 'heard';
}

/** Over another link than before, it is most often a reconnect whose old socket is half open (S-257): no word about it. */
function heard(session: SessionIn<'online' | 'offline'>, input: MessageInput, context: Context): Exchange {
  return hear(online(session, input.link), input, context, session);
}

/** A link that was given up is alive after all: so two agents, of which the one that came first keeps the uid (S-084). */
function dispute(session: SessionIn<'online'>, input: MessageInput, context: Context): Exchange {
  const { link, message } = input;
  const rank = session.older.findIndex(({ id }) => id === link.id);
  // The old connection of one agent says goodbye late.
  if (message.agentDisconnect) return answer({ ...session, older: session.older.toSpliced(rank, 1) }, link);
  const younger = [...session.older.slice(rank + 1), session.link];
  const intruders = younger.map((each) => ({ link: each, newUid: context.newUid() }));
  const restored: SessionIn<'online'> = {
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
  const evictions = intruders.flatMap((each) => answer(session, each.link, { newUid: each.newUid }).deliveries);
  return { ...heard, deliveries: [...deliveries, ...evictions], facts: [{ kind: 'conflict' }, ...facts] };
}

/**
 * Nothing is taken in of what an excluded link says, or who comes late under a uid that was replaced: no ghosts (S-083).
 * They get the uid they were given, again if need be (S-085).
 */
function redirect(session: Session, { link }: MessageInput): Exchange {
  const excluded = session.intruders.find((intruder) => intruder.link.id === link.id);
  return answer(session, link, { newUid: excluded?.newUid ?? (session as Partial<SessionIn<'moved'>>).newUid });
}

function leave(session: SessionIn<'online'>): Exchange {
  return quiet(offline(session), { kind: 'disconnected' });
}

function forgetLink(session: Session, input: LinkClosed): Exchange {
  const older = session.older.filter(({ id }) => id !== input.link);
  const intruders = session.intruders.filter(({ link }) => link.id !== input.link);
  const known = older.length < session.older.length || intruders.length < session.intruders.length;
  return quiet(known ? { ...session, older, intruders } : session);
}

function askFullState(session: SessionIn<'online'>, _input: Input, { now }: Context): Exchange {
  // An agent that answered the last request may be asked again at once; one that did not is asked ever less often.
  const may = mayAsk(session, now, session.asks === 0);
  return may ? say({ ...session, fullStateDue: true }, now) : refuse('rate')(session);
}

function restart(session: SessionIn<'online'>, _input: Input, { now }: Context): Exchange {
  const accepts = can(session, AgentCapabilities.AgentCapabilities_AcceptsRestartCommand);
  return accepts ? say({ ...session, restartDue: true }, now) : refuse('capability')(session);
}

/** Now, or over HTTP with the answer to the next poll (S-034). */
function say(session: SessionIn<'online'>, now: number): Exchange {
  return session.link.transport === 'http' ? quiet(session) : speak(session, now);
}

function refuse(reason: Refusal) {
  return (session: Session): Exchange => quiet(session, { kind: 'refused', reason });
}
