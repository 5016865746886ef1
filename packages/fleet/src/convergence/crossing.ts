/**
 * What an agent says may be older than what is on its way to it (I13): it can have an earlier send in its queue, say
 * what it runs, and apply that send afterwards, also over a connection that came later. SPEC.md has the cases.
 */
import { type Agent, can, isKnownSince, type Presence, type Unanswered } from '../agents/agent.ts';
import type { Instant } from '../time.ts';
import { meaningOf } from './ledger.ts';

/**
 * The send that the agent has not answered, for its present assignment or an earlier one, also when it was given up for
 * silent. From now on it has as long as it had to answer: after that it is not taken to have it queued any more.
 */
export function unanswered({ identity, assignment, ledger }: Agent, now: Instant): Unanswered | null {
  if (ledger === null || ledger.sentAt === null) return assignment.leftOnTheWay;
  const { revision, failure, sentAt, sentEpoch, receivedAt, terms } = ledger;
  const isNamed = receivedAt !== null || meaningOf(failure) === 'refusal';
  const send = { hash: revision.hash, epoch: sentEpoch, sentAt, until: now + terms.applyTimeout };
  if (can(identity, 'ReportsRemoteConfig')) return isNamed ? null : send;
  // It never says which hash it holds: that the send was made stays known (S-124), and no connection tells more.
  return { ...send, epoch: null, until: isNamed ? sentAt : send.until };
}

/** Without the earlier send, when the agent has named it since: what it says from now on comes after that. */
export function withAnswer({ report: { reported }, assignment }: Agent): Agent['assignment'] {
  const { leftOnTheWay: left } = assignment;
  const isNamed = left !== null && reported?.hash === left.hash && reported.at >= left.sentAt;
  return isNamed ? { ...assignment, leftOnTheWay: null } : assignment;
}

/**
 * Whether what the agent says of its revision may be older than an earlier send. It counts once the agent has named that
 * send; or when the time it had is over and, where connections tell more, a full state of a later one does not name it.
 */
export function mayBeOlder({ assignment: { leftOnTheWay: left } }: Agent, presence: Presence, now: Instant): boolean {
  if (left === null) return false;
  if (now < left.until) return true;
  if (presence.transport === 'http' || left.epoch === null) return false;
  return presence.epoch === left.epoch || !isKnownSince(presence, left.sentAt);
}

/** It says that it has what it should have, nothing was sent for that, and it may be old news: this waits, and nothing is sent. */
export function isDoubtful(agent: Agent, presence: Presence, now: Instant): boolean {
  const { ledger, report } = agent;
  if (ledger?.phase !== 'offered' || report.reported?.hash !== ledger.revision.hash) return false;
  return mayBeOlder(agent, presence, now);
}

/**
 * Whether the agent's connection is to be closed, so that it comes back on another epoch: for the way back from a rollout at
 * once, and else when only the connection is left in the way of believing it.
 */
export function mustReconnect(agent: Agent, presence: Presence, now: Instant): boolean {
  const { ledger, assignment } = agent;
  const { leftOnTheWay: left } = assignment;
  if (ledger?.phase !== 'offered' || left === null || left.epoch === null || left.epoch !== presence.epoch)
    return false;
  if (!presence.connected || presence.transport !== 'websocket') return false;
  return ledger.source.kind === 'rollback' || (now >= left.until && isDoubtful(agent, presence, now));
}

/** The agent when its connection cannot be closed, because it carries others as well: the time alone counts. */
export function keepingConnection(agent: Agent): Agent {
  const { assignment } = agent;
  const { leftOnTheWay: left } = assignment;
  return left === null ? agent : { ...agent, assignment: { ...assignment, leftOnTheWay: { ...left, epoch: null } } };
}
