import { type Agent, can, isVerifiable } from '../agents/agent.ts';
import type { RevisionRef } from '../configurations/revision.ts';
import { IN_FLIGHT } from '../convergence/ledger.ts';
import type { Instant } from '../time.ts';
import type { SkipReason } from './rollout.ts';
import { failureBound, inFlightBound, type Strategy } from './strategy.ts';
import type { Observation, RolloutHeader } from './transitions.ts';

/** Why an agent cannot be a target, or undefined when it can. Connected or not is another matter: it may come back. */
export function skipReason(agent: Agent, target: RevisionRef): SkipReason | undefined {
  const { identity, assignment } = agent;
  if (identity.admission !== 'open') return 'not-admitted';
  if (identity.pin !== null) return 'pinned';
  if (!can(identity, 'AcceptsRemoteConfig')) return 'no-remote-config';
  if (!isVerifiable(identity)) return 'unverifiable';
  if (assignment.refused.some((refusal) => refusal.hash === target.hash)) return 'refused-before';
  return undefined;
}

export interface RolloutRequest {
  readonly id: string;
  readonly group: string;
  readonly target: RevisionRef;
  readonly from: RevisionRef | null;
  readonly strategy: Strategy;
  readonly author: string;
  readonly message: string;
  /** The active rollout of the group that this one takes over from. */
  readonly supersedes: string | null;
}

/** Freezes what the rollout will be judged by: who is planned, who is skipped and why, the bounds (I4). */
export function planRollout(request: RolloutRequest, members: readonly Agent[]): RolloutHeader {
  const skipped: Observation[] = [];
  for (const agent of members) {
    const reason = skipReason(agent, request.target);
    if (reason !== undefined) skipped.push({ agent: agent.identity.id, state: 'skipped', reason, message: '' });
  }
  const planned = members.length - skipped.length;
  const carried = request.supersedes === null ? [] : members.filter(isInFlight);
  return {
    ...request,
    planned,
    maxInFlight: inFlightBound(request.strategy, planned),
    maxFailed: failureBound(request.strategy, planned),
    carried: carried.map((agent) => agent.identity.id),
    skipped,
  };
}

/** True while the agent may hold a rollout's revision without proof: that of the last rollout or of one before it. */
function isInFlight({ ledger }: Agent): boolean {
  return ledger !== null && ledger.source.kind === 'rollout' && IN_FLIGHT.has(ledger.phase);
}

/** An agent that came into the group after the rollout began. */
export function isLate(agent: Agent, startedAt: Instant): boolean {
  return agent.identity.group !== null && agent.identity.group.since > startedAt;
}
