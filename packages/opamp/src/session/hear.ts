import { AgentCapabilities, type AgentToServer, AgentToServerFlags } from '../generated/opamp/v1/opamp_pb.js';
import { answer, type Context, type Exchange, type Fact, mayAsk, parts, speak } from './answer.ts';
import { can } from './offer.ts';
import { readSequence, type Verdict } from './sequence.ts';
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
  const { verdict, count } = readSequence(session.count, message, payload, link.transport);
  if (verdict === 'intruder') {
    // Nothing of the message is taken in, but what is known may be its sender's.
    const after: Session = { ...previous, count, knowledge: 'unknown', asks: 0 };
    return answer(after, link, { newUid: newUid() }, { kind: 'conflict' });
  }
  const epoch = link.transport === 'websocket' ? link.id : `${link.id}#${count.boots}`;
  const based = epoch === session.epoch ? session : { ...session, epoch };
  const news = verdict !== 'poll' && verdict !== 'repeat' && verdict !== 'echo';
  const jumped = verdict === 'gap' || verdict === 'reboot';
  const { heard, full } = news ? takeIn(based, message, count, jumped) : passBy(based, message, verdict);
  const attached = previous.state !== 'online' || previous.epoch !== epoch;

  const facts: Fact[] = jumped ? [{ kind: verdict }] : [];
  if (attached && !message.agentDisconnect) facts.push({ kind: 'connected' });
  if (news) facts.push(...contentFacts(previous, heard, message, full));

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
  const fullStateDue = lacks && !full;
  const ready = fullStateDue === heard.fullStateDue ? heard : { ...heard, fullStateDue };
  return { ...speak(ready, now), facts };
}

/** The session after a message that is not taken in. An echo tells that there may be more to know. */
function passBy(session: SessionIn<'online'>, message: AgentToServer, verdict: Verdict) {
  const heard = verdict === 'echo' ? { ...session, knowledge: 'unknown' as const } : session;
  return { full: isFull(message, session), heard };
}

/** The session after a message that says something, and whether that was everything. */
function takeIn(session: SessionIn<'online'>, message: AgentToServer, count: Count, jumped: boolean) {
  const capabilities =
    message.capabilities === 0n ? session.capabilities : Number(BigInt.asUintN(32, message.capabilities));
  const sameProcess = count.boots === session.count.boots;
  const toldStatus = (sameProcess && session.toldStatus) || message.remoteConfigStatus !== undefined;
  const stated = { ...session, count, capabilities, toldStatus };
  // The agent may have stopped accepting the command while that waited for the poll (S-069).
  const restartDue = session.restartDue && can(stated, AgentCapabilities.AgentCapabilities_AcceptsRestartCommand);
  const next: SessionIn<'online'> = { ...stated, restartDue };
  const full = isFull(message, next);
  if (!full) return { full, heard: jumped ? { ...next, knowledge: 'unknown' as const } : next };
  const known = { ...count, full: count.last };
  return { full, heard: { ...next, count: known, knowledge: 'synced' as const, asks: 0 } };
}

/** What is new in a message, its parts in the order in which a reader can make sense of them. */
function contentFacts(previous: Session, heard: SessionIn<'online'>, message: AgentToServer, full: boolean): Fact[] {
  const { capabilities } = heard;
  const changed = capabilities !== undefined && capabilities !== previous.capabilities;
  const facts: Fact[] = changed ? [{ kind: 'capabilities', capabilities }] : [];
  for (const kind of parts) if (message[kind]) facts.push({ kind, value: message[kind] } as Fact);
  if (full) facts.push({ kind: 'full-state' });
  return facts;
}

/**
 * Whether a message holds the full state: a description and the status of the remote configuration, unless the agent
 * does not report that, or has none to tell. Lenient on purpose: opamp-go always sends both together, agents with few
 * capabilities have no more, and OpenTelemetry's Python client has no status before the first offer. But a description
 * alone, unasked and in the midst of the numbers, is news and no more: so opamp-go tells it under a new uid.
 */
function isFull({ agentDescription, remoteConfigStatus, sequenceNum }: AgentToServer, session: Session): boolean {
  if (agentDescription === undefined || remoteConfigStatus !== undefined) return agentDescription !== undefined;
  if (!can(session, AgentCapabilities.AgentCapabilities_ReportsRemoteConfig)) return true;
  return !session.toldStatus && (sequenceNum <= 1n || session.asks > 0);
}
