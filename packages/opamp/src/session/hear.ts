import { AgentCapabilities, type AgentToServer, AgentToServerFlags } from '../generated/opamp/v1/opamp_pb.js';
import { type Context, type Exchange, mayAsk, rename, speak } from './answer.ts';
import { type Fact, partFacts } from './fact.ts';
import type { MessageInput } from './input.ts';
import { can } from './offer.ts';
import { readSequence } from './sequence.ts';
import { type Count, type OnlineSession, offline, type Session } from './session.ts';

/**
 * Take in a message of the agent on `session.link`.
 * @param previous the session before it was attached to that link
 */
export function hear(
  session: OnlineSession,
  { message, payload, link }: MessageInput,
  { now, newUid }: Context,
  previous: Session,
): Exchange {
  const { uid } = session;
  const { verdict, count } = readSequence(session.count, message, payload);
  if (verdict === 'intruder') {
    // Nothing of the message is taken in, but what is known may be its sender's.
    const deliveries = [{ link, reply: { uid, newUid: newUid() } }];
    const facts = [{ kind: 'conflict' } as const];
    return { session: { ...previous, count, knowledge: 'unknown', asks: 0 }, deliveries, facts };
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
    return { session: offline(heard), deliveries: [{ link, reply: { uid } }], facts };
  }
  if (message.flags & BigInt(AgentToServerFlags.AgentToServerFlags_RequestInstanceUid)) {
    return { ...rename(heard, newUid()), facts };
  }
  const fresh = attached || jumped || verdict === 'first';
  const lacks = heard.fullStateDue || (heard.knowledge !== 'synced' && mayAsk(heard, now, fresh));
  const fullStateDue = lacks && !isFull(message, heard);
  const ready = fullStateDue === heard.fullStateDue ? heard : { ...heard, fullStateDue };
  return { ...speak(ready, now), facts };
}

/** The session after a message that says something. */
function takeIn(session: OnlineSession, message: AgentToServer, count: Count, jumped: boolean): OnlineSession {
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

function contentFacts(previous: Session, heard: OnlineSession, message: AgentToServer): Fact[] {
  const facts: Fact[] = partFacts(message);
  const { capabilities } = heard;
  const changed = capabilities !== undefined && capabilities !== previous.capabilities;
  if (changed) facts.unshift({ kind: 'capabilities', capabilities });
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
