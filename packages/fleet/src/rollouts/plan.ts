import { type Agent, can, isVerifiable, refusalOf } from '../agents/agent.ts';
import type { RevisionRef } from '../configurations/revision.ts';
import { IN_FLIGHT } from '../convergence/ledger.ts';
import type { Instant } from '../time.ts';
import type { Observation, RolloutHeader, RolloutRequest, SkipReason } from './rollout.ts';
import { failureBound, inFlightBound } from './strategy.ts';

/** Why an agent cannot be a target, or undefined when it can. Connected or not is another matter: it may come back. */
export function skipReason(agent: Agent, target: RevisionRef): SkipReason | undefined {
  const { identity } = agent;
  if (identity.admission !== 'open') return 'not-admitted';
  if (identity.pin !== null) return 'pinned';
  if (!can(identity, 'AcceptsRemoteConfig')) return 'no-remote-config';
  if (refusalOf(agent, target.hash) !== undefined) return 'refused-before';
  if (!isVerifiable(identity)) return 'unverifiable';
  return undefined;
}

/** Freezes what the rollout will be judged by: who is planned, who is skipped and why, the bounds (I4). */
export function planRollout(request: RolloutRequest, members: readonly Agent[]): RolloutHeader {
  const skipped = members.flatMap((agent): Observation[] => {
    const reason = skipReason(agent, request.target);
    return reason === undefined ? [] : [{ agent: agent.identity.id, state: 'skipped', reason, message: '' }];
  });
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
export function isLate({ identity: { group } }: Agent, startedAt: Instant): boolean {
  return group !== null && group.since > startedAt;
}
