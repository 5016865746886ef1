import type { Agent } from '../agents/agent.ts';
import { broughtBy, isOpen, type LedgerEntry, type Phase } from '../convergence/ledger.ts';
import { regression } from '../convergence/regression.ts';
import type { Instant } from '../time.ts';
import { type Placed, skipReason } from './plan.ts';
import type { Observation, Rollout, TargetState } from './rollout.ts';
import type { Surroundings } from './surroundings.ts';

/** A rollout sees an agent through its ledger. */
const targetState = (phase: Phase): TargetState => (phase === 'received' ? 'sent' : phase);

const isReturn = (entry: LedgerEntry | null): boolean => entry?.source.kind === 'rollback';

/** The rollout that has the agent in its hands, on the way there or back. */
const rolloutOf = (entry: LedgerEntry | null): string | undefined =>
  entry?.source.kind === 'rollback' ? entry.source.rollout : broughtBy(entry);

/**
 * What a rollout must hear of an agent that it has in its hands, or that it carries over from another, given the entry
 * it heard of last. Out of its hands is nothing lost when the revision was never sent, and a failure that counts when
 * the agent may hold it without proof (A.4, I4).
 */
export function observation(heard: LedgerEntry | null, agent: Agent, rollout: Rollout): Observation | undefined {
  const { identity, ledger: entry } = agent;
  const { id } = identity;
  const its = rolloutOf(entry) ?? rolloutOf(heard);
  if (entry === heard || its === undefined || (its !== rollout.id && !rollout.carried.has(id))) return undefined;
  if (entry !== null && rolloutOf(entry) !== undefined) return progress(heard, entry, id);
  if (heard === null || !isOpen(heard)) return undefined;
  const why = identity.group?.name === rollout.group ? skipReason(agent, rollout.target) : 'left-group';
  const told = (state: Observation['state'], reason: Observation['reason'], message = ''): Observation => ({
    agent: id,
    state,
    reason,
    message,
  });
  if (isReturn(heard)) {
    return why === undefined ? told('revert-unconfirmed', null, 'taken out of the rollback') : told('skipped', why);
  }
  if (heard.sentAt !== null)
    return told('failed', 'lost-contact', `${why ?? 'taken back'} while it held the revision without proof`);
  return why === undefined ? told('deferred', 'offline') : told('skipped', why);
}

function progress(heard: LedgerEntry | null, entry: LedgerEntry, agent: string): Observation | undefined {
  const state = targetState(entry.phase);
  const isKnown = heard?.generation === entry.generation && targetState(heard.phase) === state;
  if (state === 'offered' || state === 'reverting' || isKnown) return undefined;
  const { reason = null, message = '' } = entry.failure ?? {};
  // No better and no worse than it was before: that says nothing of the revision (A.5).
  const isUnchanged = state === 'failed' && reason === 'unchanged-unhealthy';
  if (!isReturn(entry)) return { agent, state: isUnchanged ? 'inconclusive' : state, reason, message };
  if (state === 'proven' || isUnchanged) return { agent, state: 'reverted', reason: null, message: '' };
  return state === 'failed' ? { agent, state: 'revert-unconfirmed', reason, message } : undefined;
}

/** What became of the proof that a target gave: it counts as a failure while the rollout still watches (A.4). */
export function lateFailure(
  rollout: Rollout,
  { agent, presence }: Placed,
  { upSince, isReturning }: Pick<Surroundings, 'upSince' | 'isReturning'>,
  now: Instant,
): Observation | undefined {
  const { ledger, identity } = agent;
  if (ledger === null || broughtBy(ledger) !== rollout.id || rollout.targets.get(identity.id)?.state !== 'proven')
    return undefined;
  const isUnheard = presence.lastSeen === null && !isReturning();
  const seen = isUnheard ? { ...presence, disconnectedAt: upSince } : presence;
  const failure = regression(agent, seen, ledger, now);
  return failure && { agent: identity.id, state: 'failed', ...failure };
}
