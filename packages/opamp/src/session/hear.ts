import { AgentCapabilities, type AgentToServer, AgentToServerFlags } from '../generated/opamp/v1/opamp_pb.js';
import { answer, type Context, plain, type Step } from './answer.ts';
import { type Fact, oneShotFacts, stateFacts } from './fact.ts';
import type { MessageInput } from './input.ts';
import { type Count, readSequence, type Verdict } from './sequence.ts';
import { type OfflineSession, type OnlineSession, offline, type Session } from './session.ts';

/**
 * Take in a message of the agent on `session.link`.
 * @param previous the session before it was attached to that link
 */
export function hear(
  session: OnlineSession,
  input: MessageInput,
  context: Context,
  previous: Session = session,
): Step {
  const { message, link } = input;
  const { verdict, count } = readSequence(previous, input, context.settings.limits);
  const leaving = message.agentDisconnect !== undefined;
  if (verdict === 'intruder') {
    // The answer is the new uid that the `evict` brings. Nothing of the message is taken in; what is known may be its
    // sender's.
    const session = { ...previous, ...pickCount(count), knowledge: 'unknown' as const, asks: 0 };
    return { session, facts: [{ kind: 'conflict', intruder: link }] };
  }
  if (verdict === 'repeat' && leaving && previous.state === 'offline') {
    return { session: previous, link, reply: plain(session, context), facts: [] };
  }
  const heard = takeIn(session, message, verdict, count);
  const attached = previous.state !== 'online' || previous.epoch !== heard.epoch;
  const facts: Fact[] = [];
  if (verdict === 'reboot') facts.push({ kind: 'rebooted' });
  if (attached) facts.push({ kind: 'connected', epoch: epochOf(heard), transport: link.transport });
  if (verdict === 'gap' && previous.nextSequence !== undefined) {
    facts.push({ kind: 'gap', expected: previous.nextSequence, received: message.sequenceNum });
  }
  if (verdict !== 'repeat') facts.push(...contentFacts(previous, heard, message));

  if (leaving) {
    const gone: OfflineSession = offline(heard);
    facts.push({ kind: 'disconnected', reason: 'goodbye' });
    return { session: gone, link, reply: plain(session, context), facts };
  }
  if (message.flags & BigInt(AgentToServerFlags.AgentToServerFlags_RequestInstanceUid)) {
    return { session: heard, facts: [...facts, { kind: 'uid-requested' }] };
  }
  const fresh = attached || verdict === 'first' || verdict === 'gap' || verdict === 'reboot';
  const step = answer(heard, { full: isFull(message, heard), fresh }, context);
  return { ...step, facts: [...facts, ...step.facts] };
}

/** The session after the message; the same reference when the message changes nothing. */
function takeIn(
  session: OnlineSession,
  message: AgentToServer,
  verdict: Verdict,
  count: Count,
): OnlineSession {
  const { link } = session;
  const epoch = link.transport === 'websocket' ? link.id : `${link.id}#${count.boots}`;
  const based = epoch === session.epoch ? session : { ...session, epoch };
  if (verdict === 'poll' || verdict === 'repeat') return based;
  const capabilities =
    message.capabilities === 0n ? session.capabilities : Number(BigInt.asUintN(32, message.capabilities));
  const next: OnlineSession = { ...based, ...pickCount(count), capabilities };
  const customCapabilities = message.customCapabilities?.capabilities ?? session.customCapabilities;
  if (isFull(message, next)) {
    return { ...next, customCapabilities, knowledge: 'synced', fullStateEpoch: epoch, asks: 0 };
  }
  const broken = verdict === 'gap' || verdict === 'reboot';
  const knowledge = broken && session.knowledge === 'synced' ? 'unknown' : session.knowledge;
  return { ...next, customCapabilities, knowledge };
}

/**
 * Whether a message holds the full state: a description and, from an agent that reports it, the status of its remote
 * configuration. Lenient on purpose: opamp-go always sends both together, agents with few capabilities have no more.
 */
function isFull(message: AgentToServer, session: Session): boolean {
  const reports =
    ((session.capabilities ?? 0) & AgentCapabilities.AgentCapabilities_ReportsRemoteConfig) !== 0;
  return message.agentDescription !== undefined && (!reports || message.remoteConfigStatus !== undefined);
}

function contentFacts(previous: Session, heard: OnlineSession, message: AgentToServer): Fact[] {
  const facts: Fact[] = [];
  if (heard.capabilities !== undefined && heard.capabilities !== previous.capabilities) {
    facts.push({ kind: 'capabilities', capabilities: heard.capabilities });
  }
  const state = stateFacts(message);
  facts.push(...state);
  if (isFull(message, heard)) {
    facts.push({ kind: 'full-state', epoch: epochOf(heard), parts: state.map(({ kind }) => kind) });
  }
  facts.push(...oneShotFacts(message));
  return facts;
}

function epochOf(session: OnlineSession): string {
  return session.epoch ?? session.link.id;
}

function pickCount({ nextSequence, lastMessage, streams, rank, crossings, boots }: Count): Count {
  return { nextSequence, lastMessage, streams, rank, crossings, boots };
}
