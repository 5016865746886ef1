/**
 * The catch-up lane: new and returning agents get the group's stable revision, a few at a time, and a revision that
 * fails on them stops the lane, not the fleet (A.7). All of it is read from the agents: there is no state to lose.
 */

import { type Agent, can, isVerifiable, type Presence } from '../agents/agent.ts';
import type { RevisionRef } from '../configurations/revision.ts';
import { type Failure, IN_FLIGHT, type Terms } from '../convergence/ledger.ts';
import type { Millis } from '../time.ts';

/** Share of the group in flight in the lane at once, at least 1 and at most `most`. */
const IN_FLIGHT_SHARE = { percent: 5, most: 500 } as const;
/** Failures in the lane after which it stops: at least 3, else this share of the group. */
const FAILURES = { least: 3, percent: 1 } as const;

const APPLY_TIMEOUT: Millis = 120_000;
export const CATCH_UP_TERMS: Terms = {
  applyTimeout: APPLY_TIMEOUT,
  minHealthyTime: 0,
  requireEffective: 'ifReported',
};

export interface Lane {
  readonly free: number;
  readonly failed: number;
  readonly stopped: boolean;
}

const inLane = (agent: Agent, stable: RevisionRef): boolean =>
  agent.ledger?.source.kind === 'catch-up' && agent.ledger.revision.hash === stable.hash;

/** An agent that vanished, or that was two, says nothing about the revision. */
const speaksAgainst = (failure: Failure | null): boolean =>
  failure !== null && failure.reason !== 'lost-contact' && failure.reason !== 'identity-conflict';

/** How the lane of a group stands, counted over its members. Who cannot show what it runs says nothing of the revision. */
export function lane(members: Iterable<Agent>, size: number, stable: RevisionRef): Lane {
  let open = 0;
  let failed = 0;
  for (const agent of members) {
    if (!inLane(agent, stable) || agent.ledger === null) continue;
    if (IN_FLIGHT.has(agent.ledger.phase)) open += 1;
    else if (speaksAgainst(agent.ledger.failure) && isVerifiable(agent.identity)) failed += 1;
  }
  const bound = Math.min(Math.max(1, Math.ceil((IN_FLIGHT_SHARE.percent / 100) * size)), IN_FLIGHT_SHARE.most);
  const stopped = failed > Math.max(FAILURES.least, Math.floor((FAILURES.percent / 100) * size));
  return { free: stopped ? 0 : Math.max(0, bound - open), failed, stopped };
}

/** True for a connected agent that could run the stable revision and is not asked to. */
export function needsCatchUp(agent: Agent, presence: Presence, stable: RevisionRef): boolean {
  const { identity, assignment } = agent;
  if (identity.admission !== 'open' || identity.pin !== null) return false;
  if (!presence.connected || !presence.synced || !can(identity, 'AcceptsRemoteConfig')) return false;
  if (assignment.desired?.hash === stable.hash) return false;
  return !assignment.refused.some((refusal) => refusal.hash === stable.hash);
}

/** An agent that already reports the stable hash needs no restart: it is adopted outside the bound. */
export function runsAlready(agent: Agent, stable: RevisionRef): boolean {
  return agent.report.reported?.hash === stable.hash && agent.report.reported.status === 'APPLIED';
}
