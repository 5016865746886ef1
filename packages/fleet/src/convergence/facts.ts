/** What the rules look at: the entry, the agent, its presence and the time, and the questions asked of them. */
import { type Agent, can, type Presence, type RemoteConfigState } from '../agents/agent.ts';
import type { Instant, Millis } from '../time.ts';
import type { Failure, FailureReason, LedgerEntry } from './ledger.ts';

/** After APPLIED the old effective config may still be the last one reported; a mismatch counts only after this. */
export const EFFECTIVE_SETTLE: Millis = 10_000;

/** Everything a rule may look at. */
export interface Facts {
  readonly entry: LedgerEntry;
  readonly agent: Agent;
  readonly presence: Presence;
  readonly now: Instant;
}

export const reported = ({ agent }: Facts) => agent.report.reported;
/** After a retry only what was said since the send counts: the report of the first attempt is still there. */
const isNews = ({ entry }: Facts, at: Instant): boolean =>
  entry.source.kind !== 'retry' || (entry.sentAt !== null && at >= entry.sentAt);
export const namesIt = (facts: Facts): boolean => {
  const report = reported(facts);
  return report !== null && report.hash === facts.entry.revision.hash && isNews(facts, report.at);
};
export const says = (facts: Facts, status: RemoteConfigState): boolean =>
  namesIt(facts) && reported(facts)?.status === status;
export const deadlinePassed = ({ entry, now }: Facts): boolean => entry.deadline !== null && now >= entry.deadline;
const reportsHealth = ({ agent }: Facts): boolean => can(agent.identity, 'ReportsHealth');
const reportsEffective = ({ agent }: Facts): boolean => can(agent.identity, 'ReportsEffectiveConfig');
export const reportsStatus = ({ agent }: Facts): boolean => can(agent.identity, 'ReportsRemoteConfig');

/** Its state is known, on a connection that is there. */
export const isHeard = ({ presence }: Facts): boolean => presence.connected && presence.synced;
/** It speaks of another configuration although it had taken this one, and its state is known without gaps. */
export const namesAnother = (facts: Facts): boolean => {
  const report = reported(facts);
  return (
    facts.presence.synced &&
    reportsStatus(facts) &&
    report !== null &&
    report.hash !== '' &&
    !namesIt(facts) &&
    report.status === 'APPLIED'
  );
};
export const namesNothing = (facts: Facts): boolean =>
  facts.presence.synced && reportsStatus(facts) && (reported(facts)?.hash ?? '') === '';
/** Still on the connection on which it was sent: no restart lies between. */
export const sameEpoch = ({ entry, presence }: Facts): boolean => entry.sentEpoch === presence.epoch;

/** S3: healthy, received after the send; agents that do not report health are not asked for it. */
export const healthy = (facts: Facts): boolean => {
  if (!reportsHealth(facts)) return true;
  const health = facts.agent.report.health;
  return health?.healthy === true && (facts.entry.sentAt === null || health.at >= facts.entry.sentAt);
};

/** S5 under the terms: `never` looks away, `ifReported` accepts silence, `always` wants a confirmation. */
export const effectiveAgrees = (facts: Facts): boolean => {
  const verdict = facts.entry.effective?.kind;
  switch (facts.entry.terms.requireEffective) {
    case 'never':
      return true;
    case 'ifReported':
      return !reportsEffective(facts) || verdict === 'confirmed' || verdict === 'inconclusive';
    case 'always':
      return verdict === 'confirmed';
  }
};

export const contradicted = (facts: Facts): boolean =>
  facts.entry.terms.requireEffective !== 'never' &&
  facts.entry.effective?.kind === 'contradicted' &&
  facts.now - Math.max(facts.entry.appliedAt ?? facts.now, facts.entry.effective.at) >= EFFECTIVE_SETTLE;

/** S1 and S2 as they stand now; agents without a status show the offer in their effective config. */
export const statusAgrees = (facts: Facts): boolean =>
  says(facts, 'APPLIED') || (!reportsStatus(facts) && facts.entry.effective?.kind === 'confirmed');

/** S4: healthy for the whole window, and heard from within it. */
export const provenLongEnough = ({ entry, presence, now }: Facts): boolean => {
  if (entry.healthySince === null) return false;
  if (entry.terms.minHealthyTime === 0) return true;
  return now - entry.healthySince >= entry.terms.minHealthyTime && (presence.lastSeen ?? 0) > entry.healthySince;
};

/**
 * Another revision was sent before and has not been named: what the agent says of this one may have crossed it (I13).
 * It ends when the agent names that one, when a full state on a later epoch does not, or with the time it had.
 */
export const isCrossed = ({ entry: { overtakes }, agent, presence, now }: Facts): boolean => {
  if (overtakes === undefined || now >= overtakes.until) return false;
  if (agent.report.reported?.hash === overtakes.hash) return false;
  const knownLater =
    presence.epoch !== overtakes.epoch &&
    presence.fullStateEpoch === presence.epoch &&
    (presence.fullStateAt ?? 0) >= overtakes.sentAt;
  return !knownLater;
};
/** Reasons that make the pair (agent, hash) refused: the agent had it and did not keep it (I5). */
export const CONDEMNING: ReadonlySet<FailureReason> = new Set<FailureReason>([
  'agent-failed',
  'agent-reverted',
  'restart-loop',
]);

/** Reasons that say only that nothing was heard: what is heard later counts. */
const SILENCE: ReadonlySet<FailureReason> = new Set<FailureReason>([
  'lost-contact',
  'apply-timeout',
  'never-acknowledged',
  'identity-conflict',
]);

export const isSilence = (failure: Failure | null): boolean => failure !== null && SILENCE.has(failure.reason);
export const isRefusal = (failure: Failure | null): boolean => failure !== null && CONDEMNING.has(failure.reason);
