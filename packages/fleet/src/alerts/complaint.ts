/** What is wrong with one agent, or one rollout, as it stands now. Level-triggered: it looks at what is known, not at news. */
import type { Agent, Presence } from '../agents/agent.ts';
import type { RevisionRef } from '../configurations/revision.ts';
import { type AssignmentSource, failedOn } from '../convergence/ledger.ts';
import { standing } from '../convergence/sync.ts';
import { LIMITS } from '../limits.ts';
import type { Instant } from '../time.ts';
import type { AgentAlertKind, AlertSubject } from './alert.ts';

export interface Complaint extends AlertSubject {
  readonly revision: RevisionRef | null;
  readonly reason: string;
  readonly message: string;
}

/** Sources name the rollout that they belong to, where they belong to one. */
const rolloutOf = (source: AssignmentSource): string | null => ('rollout' in source ? source.rollout : null);

/**
 * What is wrong with what the agent should run. `well`: nothing (any more); `under-way`: that is to be seen, so what was
 * wrong before still counts.
 */
export function complaintOf(agent: Agent, presence: Presence): Complaint | 'well' | 'under-way' {
  const { identity, ledger } = agent;
  if (ledger === null || identity.admission !== 'open') return 'well';
  const { sync } = standing(agent, presence);
  const { revision, failure, effective, phase } = ledger;
  const complain = (kind: AgentAlertKind, reason: string, message: string): Complaint => {
    const rollout = rolloutOf(ledger.source);
    return { kind, rollout, group: identity.group?.name ?? null, revision, reason, message };
  };
  if (sync === 'drifted') return complain('drift', 'effective-mismatch', effective?.why || failure?.message || '');
  if (sync === 'updating') return 'under-way';
  const takenBack = phase === 'failed' ? undefined : failedOn(ledger);
  if (takenBack !== undefined) {
    const { reason, message } = takenBack;
    const kind = reason === 'agent-reverted' ? 'rolled-back' : 'config-failed';
    return { ...complain(kind, reason, message), revision: takenBack.revision };
  }
  if (phase !== 'failed' || failure === null || sync === 'unverifiable') return 'well';
  const { reason, message } = failure;
  // Told of by the conflict itself; what the agent runs is asked for again.
  if (reason === 'identity-conflict') return 'under-way';
  if (reason !== 'lost-contact')
    return complain(sync === 'rolled-back' ? 'rolled-back' : 'config-failed', reason, message);
  return presence.connected ? 'under-way' : complain('agents-lost', reason, message);
}

/**
 * An agent of a group that has been away for a minute without a goodbye; after a day it is no news any more. `since`: when
 * it went, where that is known otherwise.
 */
export function isLost(
  { identity }: Agent,
  { connected, left, disconnectedAt }: Presence,
  now: Instant,
  since = disconnectedAt,
): boolean {
  if (connected || left || since === null || identity.group === null) return false;
  const away = now - since;
  return away >= LIMITS.lostAfter && away < LIMITS.lostFor;
}

/** What an alert must know of a rollout. */
export interface RolloutFacts {
  readonly id: string;
  readonly group: string;
  readonly target: RevisionRef;
  readonly state: string;
  readonly pause: { readonly reason: string; readonly message: string } | null;
  readonly rollback?: { readonly message: string } | null;
  readonly endedAt: Instant | null;
}

/**
 * What is wrong with a rollout: it waits for a person, or takes back what it pushed. `isLatest`: its group has had no
 * later one. A pause that a person asked for is no alert.
 */
export function rolloutComplaint(rollout: RolloutFacts, isLatest: boolean, now: Instant): Complaint | undefined {
  const { id, group, target, state, pause, rollback, endedAt } = rollout;
  const subject = { rollout: id, group, revision: target };
  if (state === 'paused' && pause !== null)
    return pause.reason === 'operator' ? undefined : { ...subject, kind: 'rollout-paused', ...pause };
  const isNews = endedAt !== null && now - endedAt < LIMITS.rolledBackFor;
  const isOpen =
    state === 'rolling-back' || (isLatest && (state === 'rolled-back-partial' || (state === 'rolled-back' && isNews)));
  return isOpen
    ? { ...subject, kind: 'rollout-rolled-back', reason: state, message: rollback?.message ?? '' }
    : undefined;
}
