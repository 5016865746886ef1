/**
 * The pull law (rollouts.md A.4): whether an agent is offered its desired revision now. A pure function of what it
 * should run, what it last reported, what it refused and what is on the way. It never reads a rollout, so that any
 * replica gives the same answer after any crash.
 */
import { type Agent, can, isKnownSince, type Presence, refusalOf } from '../agents/agent.ts';
import { LIMITS } from '../limits.ts';
import type { Instant, Millis } from '../time.ts';
import { isDoubtful, mustReconnect } from './crossing.ts';
import { goesToMany, type LedgerEntry } from './ledger.ts';

/**
 * No means no offer now; asking means none before the agent has told its full state; waiting means none before it was
 * given a place again, by the catch-up lane or another rollout.
 */
export type OfferDecision = 'offer' | 'no' | 'ask-full-state' | 'wait-for-place';

/** How long an HTTP agent may stay silent on an offer before its answer is taken for lost (P5; a lost poll response). */
export const HTTP_REDELIVERY: Millis = 30_000;

/**
 * Decides for one agent.
 *
 * "Offer on knowledge, never on a guess": once `sentAt` is committed and the agent has not named the hash, it is sent
 * again only on another epoch, and only when a full state received on that epoch names another hash or none. Over
 * HTTP, where a response can be lost within an epoch, the full state must also be newer than the send by
 * `HTTP_REDELIVERY`. Agents that do not report a remote config status get one offer per assignment (S-124). Whoever was
 * given up has lost its place among those in flight, and gets nothing more without one (I1, docs/adr/0006).
 */
export function decideOffer(agent: Agent, presence: Presence, now: Instant): OfferDecision {
  const { identity, ledger: entry, report } = agent;
  if (entry === null || identity.admission !== 'open' || !presence.connected) return 'no';
  const { revision, source, sentAt } = entry;
  if (!can(identity, 'AcceptsRemoteConfig') || refusalOf(agent, revision.hash) !== undefined) return 'no';
  if (mustReconnect(agent, presence, now)) return 'no';
  if (!presence.synced) return 'ask-full-state';
  const isRetry = source.kind === 'retry' && sentAt === null;
  if (report.reported?.hash === revision.hash && !isRetry) {
    const mustTell = presence.fullStateAt === null && isDoubtful(agent, presence, now);
    return mustTell ? 'ask-full-state' : 'no';
  }
  const offer = entry.failure !== null && goesToMany(entry) ? 'wait-for-place' : 'offer';
  return sentAt === null ? offer : (decideAgain(agent, entry, presence, now) ?? offer);
}

/** It went out before and the agent has not named it: was it lost, or is it being applied? Undefined when it was lost. */
function decideAgain(
  { identity }: Agent,
  { sentAt, sentEpoch, sends }: LedgerEntry,
  presence: Presence,
  now: Instant,
): 'no' | 'ask-full-state' | undefined {
  if (!can(identity, 'ReportsRemoteConfig') || sends >= LIMITS.sendsPerAssignment) return 'no';
  const isSameEpoch = sentEpoch === presence.epoch;
  const due = (sentAt ?? 0) + (isSameEpoch ? HTTP_REDELIVERY : 0);
  if ((isSameEpoch && presence.transport === 'websocket') || now < due) return 'no';
  return isKnownSince(presence, due) ? undefined : 'ask-full-state';
}
