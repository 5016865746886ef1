import { AgentCapabilities, type AgentToServer, AgentToServerFlags } from '../generated/opamp/v1/opamp_pb.js';
import { type Context, type Exchange, mayAsk, plain, speak, want } from './answer.ts';
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
  context: Context,
  previous: Session = session,
): Exchange {
  const { verdict, count } = readSequence(session.count, message, payload);
  if (verdict === 'intruder') {
    // Nothing of the message is taken in, but what is known may be its sender's.
    const deliveries = [{ link, reply: { ...plain(session, context), newUid: context.newUid() } }];
    const facts = [{ kind: 'conflict', intruders: [link] } as const];
    return { session: { ...previous, count, knowledge: 'unknown', asks: 0 }, deliveries, facts };
  }
  const epoch = link.transport === 'websocket' ? link.id : `${link.id}#${count.boots}`;
  const based = epoch === session.epoch ? session : { ...session, epoch };
  const news = verdict !== 'poll' && verdict !== 'repeat';
  const jumped = verdict === 'gap' || verdict === 'reboot';
  let heard = news ? takeIn(based, message, count, jumped) : based;
  const leaving = message.agentDisconnect !== undefined;
  const attached = previous.state !== 'online' || previous.epoch !== epoch;

  const facts: Fact[] = [];
  if (jumped) facts.push({ kind: verdict });
  if (attached && !leaving) facts.push({ kind: 'connected' });
  if (news) facts.push(...contentFacts(previous, heard, message));

  if (leaving) {
    if (previous.state === 'online') facts.push({ kind: 'disconnected', reason: 'goodbye' });
    return { session: offline(heard), deliveries: [{ link, reply: plain(session, context) }], facts };
  }
  const fresh = attached || jumped || verdict === 'first';
  const { pending, knowledge } = heard;
  const lacks = pending.fullState || (knowledge !== 'synced' && mayAsk(heard, context, fresh));
  const fullState = lacks && !isFull(message, heard);
  if (fullState !== pending.fullState) heard = want(heard, { fullState });
  if (message.flags & BigInt(AgentToServerFlags.AgentToServerFlags_RequestInstanceUid)) {
    heard = want(heard, { newUid: context.newUid() });
  }
  return { ...speak(heard, context), facts };
}

/** The session after a message that says something. */
function takeIn(session: OnlineSession, message: AgentToServer, count: Count, jumped: boolean): OnlineSession {
  const capabilities =
    message.capabilities === 0n ? session.capabilities : Number(BigInt.asUintN(32, message.capabilities));
  const customCapabilities = message.customCapabilities?.capabilities ?? session.customCapabilities;
  const next = { ...session, count, capabilities, customCapabilities };
  if (isFull(message, next)) return { ...next, knowledge: 'synced', fullStateEpoch: session.epoch, asks: 0 };
  return jumped ? { ...next, knowledge: 'unknown' } : next;
}

function contentFacts(previous: Session, heard: OnlineSession, message: AgentToServer): Fact[] {
  const { capabilities } = heard;
  const changed = capabilities !== undefined && capabilities !== previous.capabilities;
  return [
    ...(changed ? [{ kind: 'capabilities', capabilities } as const] : []),
    ...partFacts(message),
    ...(isFull(message, heard) ? [{ kind: 'full-state' } as const] : []),
  ];
}

/**
 * Whether a message holds the full state: a description and, from an agent that reports it, the status of its remote
 * configuration. Lenient on purpose: opamp-go always sends both together, agents with few capabilities have no more.
 */
function isFull(message: AgentToServer, session: Session): boolean {
  const reports = can(session, AgentCapabilities.AgentCapabilities_ReportsRemoteConfig);
  return message.agentDescription !== undefined && (!reports || message.remoteConfigStatus !== undefined);
}
