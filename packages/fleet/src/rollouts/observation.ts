import type { Agent } from '../agents/agent.ts';
import { isOpen, type LedgerEntry, type Phase } from '../convergence/ledger.ts';
import { skipReason } from './plan.ts';
import type { Observation, Rollout, TargetState } from './rollout.ts';

/** A rollout sees an agent through its ledger. */
const targetState = (phase: Phase): TargetState => (phase === 'received' ? 'sent' : phase);

const rolloutOf = (entry: LedgerEntry | null): string | undefined =>
  entry !== null && 'rollout' in entry.source ? entry.source.rollout : undefined;

const isReturn = (entry: LedgerEntry | null): boolean => entry?.source.kind === 'rollback';

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
  if (heard === null || !isOpen(heard) || isReturn(heard)) return undefined;
  const why = identity.group?.name === rollout.group ? skipReason(agent, rollout.target) : 'left-group';
  if (heard.sentAt !== null) {
    const message = `${why ?? 'taken back'} while it held the revision without proof`;
    return { agent: id, state: 'failed', reason: 'lost-contact', message };
  }
  if (why === undefined) return { agent: id, state: 'deferred', reason: 'offline', message: '' };
  return { agent: id, state: 'skipped', reason: why, message: '' };
}

function progress(heard: LedgerEntry | null, entry: LedgerEntry, agent: string): Observation | undefined {
  const state = targetState(entry.phase);
  const isKnown = heard?.generation === entry.generation && targetState(heard.phase) === state;
  if (state === 'offered' || state === 'reverting' || isKnown) return undefined;
  const { reason = null, message = '' } = entry.failure ?? {};
  if (!isReturn(entry)) {
    return { agent, state, reason, message };
  }
  if (state === 'proven') return { agent, state: 'reverted', reason: null, message: '' };
  return state === 'failed' ? { agent, state: 'revert-unconfirmed', reason, message } : undefined;
}
