/**
 * The catch-up lane: new and returning agents get the group's stable revision, a few at a time, and a revision that
 * fails on them stops the lane, not the fleet (A.7). All of it is read from the agents: there is no state to lose.
 */
import { type Agent, isVerifiable, type Presence } from '../agents/agent.ts';
import type { RevisionRef } from '../configurations/revision.ts';
import { unanswered } from '../convergence/crossing.ts';
import { type Failure, isOpen, type Terms } from '../convergence/ledger.ts';
import { decideOffer } from '../convergence/pull-law.ts';
import type { Instant } from '../time.ts';
import { skipReason } from './plan.ts';
import { boundsOf, strategyNamed } from './strategy.ts';

/** At once as many as `careful` has; the lane stops when more failed than this share of the group. */
const BOUNDS = { ...strategyNamed('careful'), maxFailed: { percent: 1, least: 3 } };

/** Those of a plain push: what is stable was proven with patience already. */
export const CATCH_UP_TERMS: Terms = strategyNamed('all-at-once').terms;

/** An agent that vanished, or that was two, says nothing about the revision. */
const speaksAgainst = (failure: Failure | null): boolean =>
  failure !== null && failure.reason !== 'lost-contact' && failure.reason !== 'identity-conflict';

/** How the lane of a group stands, counted over its members. Who cannot show what it runs says nothing of the revision. */
export function lane(members: Iterable<Agent>, size: number, stable: RevisionRef) {
  let open = 0;
  let failed = 0;
  for (const { identity, ledger } of members) {
    if (ledger?.source.kind !== 'catch-up' || ledger.revision.hash !== stable.hash) continue;
    if (isOpen(ledger)) open += 1;
    else if (speaksAgainst(ledger.failure) && isVerifiable(identity)) failed += 1;
  }
  const { maxInFlight, maxFailed } = boundsOf(BOUNDS, size);
  const stopped = failed > maxFailed;
  return { free: stopped ? 0 : Math.max(0, maxInFlight - open), failed, stopped };
}

/**
 * True for a connected agent that could run the stable revision, provable or not, and is not asked to, or was given up for
 * lost and is back without it.
 */
export function needsCatchUp(agent: Agent, presence: Presence, stable: RevisionRef, now: Instant): boolean {
  if (!presence.connected || !presence.synced) return false;
  const isAsked = agent.ledger?.revision.hash === stable.hash;
  if (isAsked && !isGivenUp(agent, presence, now)) return false;
  const reason = skipReason(agent, stable);
  return reason === undefined || reason === 'unverifiable';
}

/** Given up for lost, and back without what it was sent: it has no place any more (docs/adr/0006). */
export const isGivenUp = (agent: Agent, presence: Presence, now: Instant): boolean =>
  decideOffer(agent, presence, now) === 'wait-for-place';

/** An agent that already reports the stable hash needs no restart: it is adopted outside the bound. */
export function runsAlready(agent: Agent, stable: RevisionRef, now: Instant): boolean {
  const { reported } = agent.report;
  if (reported?.hash !== stable.hash || reported.status !== 'APPLIED') return false;
  // With another revision on its way, it is about to leave the stable one, which then has to be sent to it.
  const left = unanswered(agent, now);
  return left === null || left.hash === stable.hash;
}
