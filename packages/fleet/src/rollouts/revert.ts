/** Whom a rollback takes back next, and to what (A.7): each agent to its own last good revision. */
import type { Agent } from '../agents/agent.ts';
import { lastGood } from '../convergence/assignment.ts';
import { broughtBy, meaningOf } from '../convergence/ledger.ts';
import { skipReason } from './plan.ts';
import { exposed, isExposed, OPEN, type Revert, type Rollout, type Target } from './rollout.ts';
import type { Surroundings } from './surroundings.ts';

/** Of the agents that look healthy on the revision, so many are restarted at a time: a share of all, or a multiple of the pace forward. */
const SHARE_AT_ONCE = 0.25;
const TIMES_MAX_IN_FLIGHT = 5;

/** Failed agents and those in flight at once; those that look healthy, newest first, a few at a time. */
export function nextReverts(rollout: Rollout, around: Pick<Surroundings, 'member' | 'condemned' | 'room'>): Revert[] {
  if (exposed(rollout) + rollout.counts.offered === 0) return [];
  const targets = rollout.targets.values();
  const isUrgent = (target: Target) => target.state !== 'proven' && (isExposed(target) || OPEN.has(target.state));
  const urgent = targets.filter(isUrgent).sort((a, b) => Number(b.state === 'failed') - Number(a.state === 'failed'));
  const free = freePlaces(rollout);
  const healthy =
    free > 0
      ? targets
          .filter(({ state }) => state === 'proven')
          .slice(-free)
          .reverse()
      : [];
  return [...urgent, ...healthy].slice(0, around.room).map((each) => revertOf(each, rollout, around));
}

/**
 * Those who failed while the others go on: each goes back at once, where it has something to go back to (A.4). Who was
 * silent is not among them: what it says when it is heard again counts.
 */
export function failedReverts(rollout: Rollout, around: Pick<Surroundings, 'member' | 'condemned' | 'room'>): Revert[] {
  if (rollout.counts.failed === 0) return [];
  return rollout.targets
    .values()
    .filter((target) => target.state === 'failed' && hasShown(around.member(target.agent), target, rollout))
    .map((target) => revertOf(target, rollout, around))
    .filter(({ to }) => to !== null)
    .slice(0, around.room);
}

/** Whether the agent itself has shown that it does not run the revision well. */
function hasShown(agent: Agent | undefined, { reason }: Target, { id }: Rollout): boolean {
  const ledger = agent?.ledger ?? null;
  if (ledger === null || broughtBy(ledger) !== id) return false;
  if (ledger.phase === 'proven') return reason === 'late-regression';
  return ledger.phase === 'failed' && meaningOf(ledger.failure) !== 'silence';
}

function freePlaces(rollout: Rollout): number {
  const { rollback, maxInFlight, counts, targets } = rollout;
  if (rollback?.bounded === false) return targets.size;
  const all = targets.size - counts.skipped - counts.deferred;
  // Who failed goes beside the bound: many of them that do not answer must not keep the others on the revision.
  const taken = targets.values().filter(({ state, reason }) => state === 'reverting' && reason === null).length;
  return Math.max(0, Math.max(Math.ceil(SHARE_AT_ONCE * all), TIMES_MAX_IN_FLIGHT * maxInFlight) - taken);
}

function revertOf(
  { agent: id, state }: Target,
  { group, target }: Rollout,
  { member, condemned }: Pick<Surroundings, 'member' | 'condemned'>,
): Revert {
  const agent = member(id);
  // It is gone, or another group decides for it now. Who is in no group would be left with the revision by everybody.
  const { name = group } = agent?.identity.group ?? {};
  if (agent === undefined || name !== group) return { agent: id, to: null, reason: 'left-group' };
  const reason = skipReason(agent, target);
  if (reason === 'pinned' || reason === 'not-admitted') return { agent: id, to: null, reason };
  // It never got it, and has nothing else of ours without an answer.
  const { ledger, assignment, report } = agent;
  const isUnsent = (ledger?.sentAt ?? null) === null && assignment.leftOnTheWay === null;
  if (state === 'offered' && isUnsent && report.reported?.hash !== target.hash)
    return { agent: id, to: null, reason: 'not-sent' };
  const to = lastGood(agent, (hash) => hash === target.hash || condemned.has(hash));
  return to === undefined ? { agent: id, to: null, reason: 'no-last-good' } : { agent: id, to, reason: null };
}
