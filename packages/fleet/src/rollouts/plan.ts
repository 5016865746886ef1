import { type Agent, type AgentId, can, isVerifiable, type Presence, refusalOf } from '../agents/agent.ts';
import type { RevisionRef } from '../configurations/revision.ts';
import { isOpen } from '../convergence/ledger.ts';
import type { Observation, Rollout, RolloutEvent, RolloutHeader, RolloutRequest, SkipReason } from './rollout.ts';
import { freeOwnSlots, freeSlots, mayBeAdmitted } from './rollout.ts';
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
  // Who may hold a rollout's revision without proof: that of the last rollout or of one before it.
  const isInFlight = ({ ledger }: Agent): boolean => ledger?.source.kind === 'rollout' && isOpen(ledger);
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

/** Whether the rollout still has a turn for the agent, when it can be reached. */
export const isCandidate = (rollout: Rollout, agent: Agent): boolean =>
  mayBeAdmitted(rollout, agent.identity.id) && skipReason(agent, rollout.target) === undefined;

/** Of those who wait, in their order, `room` at most whom to admit now: as many as may be in flight (I1), none that cannot be reached. */
export function admissible(
  rollout: Rollout,
  waiting: Iterable<{ readonly agent: Agent; readonly presence: Presence }>,
  room = Number.POSITIVE_INFINITY,
): Extract<RolloutEvent, { type: 'admitted' }>['agents'] {
  const { carried, createdAt } = rollout;
  const admitted: { agent: AgentId; late: boolean }[] = [];
  let slots = freeSlots(rollout);
  const most = Math.min(room, freeOwnSlots(rollout));
  for (const { agent, presence } of waiting) {
    if (admitted.length === most || (slots === 0 && carried.size === 0)) break;
    const { id, group } = agent.identity;
    // Who was carried over has a place already.
    const takesSlot = !carried.has(id);
    if ((slots === 0 && takesSlot) || !presence.connected || !presence.synced || !isCandidate(rollout, agent)) continue;
    admitted.push({ agent: id, late: group !== null && group.since > createdAt });
    if (takesSlot) slots -= 1;
  }
  return admitted;
}
