/**
 * The pull law (rollouts.md A.4): whether an agent is offered its desired revision now. A pure function of what it
 * should run, what it last reported, what it refused and what is on the way. It never reads a rollout, so that any
 * replica gives the same answer after any crash.
 */
import { type Agent, can, isKnownSince, type Presence, refusalOf } from '../agents/agent.ts';
import { LIMITS } from '../limits.ts';
import type { Instant, Millis } from '../time.ts';
import type { LedgerEntry } from './ledger.ts';

export type Withheld =
  | 'nothing-desired'
  | 'not-admitted'
  | 'not-connected'
  | 'no-remote-config'
  | 'refused'
  | 'already-reported'
  | 'state-unknown'
  | 'on-the-way'
  | 'awaiting-full-state'
  | 'sent-too-often';

export type OfferDecision =
  | { readonly offer: true }
  | { readonly offer: false; readonly why: Withheld; readonly askFullState: boolean };

const OFFER: OfferDecision = { offer: true };
const withheld = (why: Withheld, askFullState = false): OfferDecision => ({ offer: false, why, askFullState });

/** How long an HTTP agent may stay silent on an offer before its answer is taken for lost (P5; a lost poll response). */
export const HTTP_REDELIVERY: Millis = 30_000;

/**
 * Decides for one agent.
 *
 * "Offer on knowledge, never on a guess": once `sentAt` is committed and the agent has not named the hash, it is sent
 * again only on another epoch, and only when a full state received on that epoch names another hash or none. Over
 * HTTP, where a response can be lost within an epoch, the full state must also be newer than the send by
 * `HTTP_REDELIVERY`. Agents that do not report a remote config status get one offer per assignment (S-124).
 */
export function decideOffer(agent: Agent, presence: Presence, now: Instant): OfferDecision {
  const { desired } = agent.assignment;
  const entry = agent.ledger;
  if (desired === null || entry === null) return withheld('nothing-desired');
  if (agent.identity.admission !== 'open') return withheld('not-admitted');
  if (!presence.connected) return withheld('not-connected');
  if (!can(agent.identity, 'AcceptsRemoteConfig')) return withheld('no-remote-config');
  if (refusalOf(agent, desired.hash) !== undefined) return withheld('refused');
  if (!presence.synced) return withheld('state-unknown', true);
  const isRetry = entry.source.kind === 'retry' && entry.sentAt === null;
  if (agent.report.reported?.hash === desired.hash && !isRetry) return withheld('already-reported');
  if (entry.sentAt === null) return OFFER;
  if (!can(agent.identity, 'ReportsRemoteConfig')) return withheld('on-the-way');
  return decideAgain(entry, entry.sentAt, presence, now);
}

/** The offer went out before and the agent has not named it: was it lost, or is it being applied? */
function decideAgain(entry: LedgerEntry, sentAt: Instant, presence: Presence, now: Instant): OfferDecision {
  if (entry.sends >= LIMITS.sendsPerAssignment) return withheld('sent-too-often');
  const isSameEpoch = entry.sentEpoch === presence.epoch;
  const wait = isSameEpoch ? HTTP_REDELIVERY : 0;
  if ((isSameEpoch && presence.transport === 'websocket') || now - sentAt < wait) return withheld('on-the-way');
  return isKnownSince(presence, sentAt + wait) ? OFFER : withheld('awaiting-full-state', true);
}
