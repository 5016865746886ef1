import {
  type Agent,
  IN_FLIGHT,
  type LedgerEntry,
  type Observation,
  type Phase,
  type Rollout,
  skipReason,
  type Target,
} from '@flaghoist/fleet';

/** Target states by ledger phase: a rollout sees an agent through its ledger. */
const TARGET_OF: Readonly<Record<Phase, Target['state']>> = {
  offered: 'offered',
  sent: 'sent',
  received: 'sent',
  applying: 'applying',
  verifying: 'verifying',
  proven: 'proven',
  failed: 'failed',
};

/** The rollout that an entry belongs to. */
export const rolloutOf = (entry: LedgerEntry | null | undefined): string | undefined =>
  entry?.source.kind === 'rollout' ? entry.source.rollout : undefined;

/**
 * What a rollout must hear of an agent that it has in its hands, given the entry it heard of last. Out of its hands is
 * nothing lost when the revision was never sent, and a failure that counts when the agent may hold it without proof
 * (A.4, I4).
 */
export function observation(heard: LedgerEntry | null, agent: Agent, rollout: Rollout): Observation | undefined {
  const { identity, ledger: entry } = agent;
  const { id } = identity;
  if (entry !== null && rolloutOf(entry) !== undefined) {
    const state = TARGET_OF[entry.phase];
    const isKnown = heard?.generation === entry.generation && TARGET_OF[heard.phase] === state;
    if (state === 'offered' || isKnown) return undefined;
    const { reason = null, message = '' } = entry.failure ?? {};
    return { agent: id, state, reason, message };
  }
  if (heard === null || rolloutOf(heard) === undefined || !IN_FLIGHT.has(heard.phase)) return undefined;
  const why = identity.group?.name === rollout.group ? skipReason(agent, rollout.target) : 'left-group';
  if (heard.sentAt !== null) {
    const message = `${why ?? 'taken back'} while it held the revision without proof`;
    return { agent: id, state: 'failed', reason: 'lost-contact', message };
  }
  if (why === undefined) return { agent: id, state: 'deferred', reason: 'offline', message: '' };
  return { agent: id, state: 'skipped', reason: why, message: '' };
}
