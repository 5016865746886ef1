import { AgentCapabilities, type AgentToServer, AgentToServerFlags } from '../generated/opamp/v1/opamp_pb.js';
import { answer, type Context, type Exchange, type Fact, mayAsk, parts, speak } from './answer.ts';
import { can } from './offer.ts';
import { readSequence } from './sequence.ts';
import { type Count, type MessageInput, offline, type Session, type SessionIn } from './session.ts';

/**
 * Take in a message of the agent on `session.link`.
 * @param previous the session before it was attached to that link
 */
export function hear(
  session: SessionIn<'online'>,
  { message, payload, link }: MessageInput,
  { now, newUid }: Context,
  previous: Session,
): Exchange {
  const { verdict, count } = readSequence(session.count, message, payload);
  if (verdict === 'intruder') {
    // Nothing of the message is taken in, but what is known may be its sender's.
    const after: Session = { ...previous, count, knowledge: 'unknown', asks: 0 };
    return answer(after, link, { newUid: newUid() }, { kind: 'conflict' });
  }
  const epoch = link.transport === 'websocket' ? link.id : `${link.id}#${count.boots}`;
  const based = epoch === session.epoch ? session : { ...session, epoch };
  const news = verdict !== 'poll' && verdict !== 'repeat';
  const jumped = verdict === 'gap' || verdict === 'reboot';
  const heard = news ? takeIn(based, message, count, jumped) : based;
  const attached = previous.state !== 'online' || previous.epoch !== epoch;

  const facts: Fact[] = jumped ? [{ kind: verdict }] : [];
  if (attached && !message.agentDisconnect) facts.push({ kind: 'connected' });
  if (news) facts.push(...contentFacts(previous, heard, message));

  if (message.agentDisconnect) {
    if (previous.state === 'online') facts.push({ kind: 'disconnected' });
    return answer(offline(heard), link, {}, ...facts);
  }
  if (message.flags & BigInt(AgentToServerFlags.AgentToServerFlags_RequestInstanceUid)) {
    // It goes on as it is; what is due can wait for it to come back under the new uid.
    const given = newUid();
    const moved: Session = { ...heard, state: 'moved', link: undefined, older: [], newUid: given };
    const successor = { ...heard, uid: given, older: [], intruders: [] };
    return { ...answer(moved, link, { newUid: given }, ...facts), successor };
  }
  const fresh = attached || jumped || verdict === 'first';
  const lacks = heard.fullStateDue || (heard.knowledge !== 'synced' && mayAsk(heard, now, fresh));
  const fullStateDue = lacks && !isFull(message, heard);
  const ready = fullStateDue === heard.fullStateDue ? heard : { ...heard, fullStateDue };
  return { ...speak(ready, now), facts };
}

/** The session after a message that says something. */
function takeIn(
  session: SessionIn<'online'>,
  message: AgentToServer,
  count: Count,
  jumped: boolean,
): SessionIn<'online'> {
  const capabilities =
    message.capabilities === 0n ? session.capabilities : Number(BigInt.asUintN(32, message.capabilities));
  const sameProcess = count.boots === session.count.boots;
  const toldStatus = (sameProcess && session.toldStatus) || message.remoteConfigStatus !== undefined;
  const stated = { ...session, count, capabilities, toldStatus };
  // The agent may have stopped accepting the command while that waited for the poll (S-069).
  const restartDue = session.restartDue && can(stated, AgentCapabilities.AgentCapabilities_AcceptsRestartCommand);
  const next = { ...stated, restartDue };
  if (isFull(message, next)) return { ...next, knowledge: 'synced', fullStateEpoch: session.epoch, asks: 0 };
  return jumped ? { ...next, knowledge: 'unknown' } : next;
}

/** What is new in a message, its parts in the order in which a reader can make sense of them. */
function contentFacts(previous: Session, heard: SessionIn<'online'>, message: AgentToServer): Fact[] {
  const { capabilities } = heard;
  const changed = capabilities !== undefined && capabilities !== previous.capabilities;
  const facts: Fact[] = changed ? [{ kind: 'capabilities', capabilities }] : [];
  for (const kind of parts) if (message[kind]) facts.push({ kind, value: message[kind] } as Fact);
  if (isFull(message, heard)) facts.push({ kind: 'full-state' });
  return facts;
}

/**
 * Whether a message holds the full state: a description and the status of the remote configuration, unless the agent
 * does not report that, or never had one to tell. Lenient on purpose: opamp-go always sends both together, agents with
 * few capabilities have no more, and OpenTelemetry's Python client has no status before the first offer.
 */
function isFull(message: AgentToServer, session: Session): boolean {
  const owesStatus = session.toldStatus && can(session, AgentCapabilities.AgentCapabilities_ReportsRemoteConfig);
  return message.agentDescription !== undefined && (!owesStatus || message.remoteConfigStatus !== undefined);
}
