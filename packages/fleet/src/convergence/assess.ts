/**
 * Moves a ledger entry by what is known now. Level-triggered: it looks at the facts, not at the message that brought
 * them, so that a lost, doubled or reordered message changes nothing. SPEC.md lists the rules and invariants; the
 * order of the rules of a phase is their priority.
 */
import {
  type Agent,
  can,
  isVerifiable,
  type Presence,
  type Refusal,
  type RemoteConfigState,
} from '../agents/agent.ts';
import { LIMITS } from '../limits.ts';
import type { Instant, Millis } from '../time.ts';
import type { Failure, FailureReason, LedgerEntry, Phase } from './ledger.ts';

/** After APPLIED the old effective config may still be the last one reported; a mismatch counts only after this. */
export const EFFECTIVE_SETTLE: Millis = 10_000;

/** A connection that comes back within this has not interrupted a proof (S4, reconnect grace). */
export const RECONNECT_GRACE: Millis = 15_000;

/** Everything a rule may look at. */
interface Facts {
  readonly entry: LedgerEntry;
  readonly agent: Agent;
  readonly presence: Presence;
  readonly now: Instant;
}

interface Rule {
  readonly name: string;
  readonly holds: (facts: Facts) => boolean;
  readonly next: (facts: Facts) => LedgerEntry;
}

const reported = ({ agent }: Facts) => agent.report.reported;
/** After a retry only what was said since the send counts: the report of the first attempt is still there. */
const isNews = ({ entry }: Facts, at: Instant): boolean =>
  entry.source.kind !== 'retry' || (entry.sentAt !== null && at >= entry.sentAt);
const namesIt = (facts: Facts): boolean => {
  const report = reported(facts);
  return report !== null && report.hash === facts.entry.revision.hash && isNews(facts, report.at);
};
const says = (facts: Facts, status: RemoteConfigState): boolean =>
  namesIt(facts) && reported(facts)?.status === status;
const deadlinePassed = ({ entry, now }: Facts): boolean => entry.deadline !== null && now >= entry.deadline;
const reportsHealth = ({ agent }: Facts): boolean => can(agent.identity, 'ReportsHealth');
const reportsEffective = ({ agent }: Facts): boolean => can(agent.identity, 'ReportsEffectiveConfig');
const reportsStatus = ({ agent }: Facts): boolean => can(agent.identity, 'ReportsRemoteConfig');

/** Its state is known, on a connection that is there. */
const isHeard = ({ presence }: Facts): boolean => presence.connected && presence.synced;
/** It speaks of another configuration although it had taken this one, and its state is known without gaps. */
const namesAnother = (facts: Facts): boolean => {
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
const namesNothing = (facts: Facts): boolean =>
  facts.presence.synced && reportsStatus(facts) && (reported(facts)?.hash ?? '') === '';
/** Still on the connection on which it was sent: no restart lies between. */
const sameEpoch = ({ entry, presence }: Facts): boolean => entry.sentEpoch === presence.epoch;

/** S3: healthy, received after the send; agents that do not report health are not asked for it. */
const healthy = (facts: Facts): boolean => {
  if (!reportsHealth(facts)) return true;
  const health = facts.agent.report.health;
  return health?.healthy === true && (facts.entry.sentAt === null || health.at >= facts.entry.sentAt);
};

/** S5 under the terms: `never` looks away, `ifReported` accepts silence, `always` wants a confirmation. */
const effectiveAgrees = (facts: Facts): boolean => {
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

const contradicted = (facts: Facts): boolean =>
  facts.entry.terms.requireEffective !== 'never' &&
  facts.entry.effective?.kind === 'contradicted' &&
  facts.now - Math.max(facts.entry.appliedAt ?? facts.now, facts.entry.effective.at) >= EFFECTIVE_SETTLE;

/** S1 and S2 as they stand now; agents without a status show the offer in their effective config. */
const statusAgrees = (facts: Facts): boolean =>
  says(facts, 'APPLIED') || (!reportsStatus(facts) && facts.entry.effective?.kind === 'confirmed');

/** S4: healthy for the whole window, and heard from within it. */
const provenLongEnough = ({ entry, presence, now }: Facts): boolean => {
  if (entry.healthySince === null) return false;
  if (entry.terms.minHealthyTime === 0) return true;
  return (
    now - entry.healthySince >= entry.terms.minHealthyTime && (presence.lastSeen ?? 0) > entry.healthySince
  );
};

function fail({ entry, now }: Facts, reason: FailureReason, message: string): LedgerEntry {
  const failure: Failure = { reason, message, at: now };
  return { ...entry, phase: 'failed', failure, deadline: null, healthySince: null, provenAt: null };
}

/** An agent that has it without our sending gets a deadline here, or it could stay APPLYING for ever (I16). */
const toReceived = ({ entry, now }: Facts): LedgerEntry => ({
  ...entry,
  phase: 'received',
  receivedAt: entry.receivedAt ?? now,
  deadline: entry.deadline ?? now + entry.terms.applyTimeout,
});
const toApplying = (facts: Facts): LedgerEntry => ({
  ...toReceived(facts),
  phase: 'applying',
  applyingAt: facts.entry.applyingAt ?? facts.now,
});
const toVerifying = (facts: Facts): LedgerEntry => ({
  ...toReceived(facts),
  phase: 'verifying',
  appliedAt: facts.now,
  deadline: facts.now + facts.entry.terms.applyTimeout + facts.entry.terms.minHealthyTime,
  failure: null,
});
/** It lost the revision by a restart: back to the start of this assignment, which the pull law may send again. */
const toSentAgain = ({ entry, now }: Facts): LedgerEntry => ({
  ...entry,
  phase: entry.sentAt === null ? 'offered' : 'sent',
  deadline: entry.sentAt === null ? null : now + entry.terms.applyTimeout,
  receivedAt: null,
  applyingAt: null,
  appliedAt: null,
  healthySince: null,
  provenAt: null,
  reverts: entry.reverts + 1,
});

const refusalOf = ({ assignment }: Agent, hash: string): Refusal | undefined =>
  assignment.refused.find((refusal) => refusal.hash === hash);

/**
 * Another revision was sent before and has not been named: what the agent says of this one may have crossed it (I13).
 * It ends when the agent names that one, when a full state on a later epoch does not, or with the time it had.
 */
const isCrossed = ({ entry: { overtakes }, agent, presence, now }: Facts): boolean => {
  if (overtakes === undefined || now >= overtakes.until) return false;
  if (agent.report.reported?.hash === overtakes.hash) return false;
  const knownLater =
    presence.epoch !== overtakes.epoch &&
    presence.fullStateEpoch === presence.epoch &&
    (presence.fullStateAt ?? 0) >= overtakes.sentAt;
  return !knownLater;
};
const unlessCrossed = (rule: Rule): Rule => ({
  ...rule,
  holds: (facts) => rule.holds(facts) && !isCrossed(facts),
});

const AGENT_FAILED: Rule = {
  name: 'the agent says FAILED for this hash',
  holds: (facts) => says(facts, 'FAILED'),
  next: (facts) => fail(facts, 'agent-failed', reported(facts)?.errorMessage ?? ''),
};
const APPLIED: Rule = {
  name: 'the agent says APPLIED for this hash',
  holds: (facts) => says(facts, 'APPLIED'),
  next: toVerifying,
};
const APPLYING: Rule = {
  name: 'the agent says APPLYING',
  holds: (facts) => says(facts, 'APPLYING'),
  next: toApplying,
};
const NAMED: Rule = { name: 'the agent names the hash without a verdict', holds: namesIt, next: toReceived };
/** Agents without ReportsRemoteConfig: an effective config that contains the offer stands for APPLIED. */
const SHOWN: Rule = {
  name: 'no status is reported, and the effective config contains the offer',
  holds: (facts) =>
    !reportsStatus(facts) &&
    facts.entry.sentAt !== null &&
    facts.entry.effective?.kind === 'confirmed' &&
    (facts.agent.report.effective?.at ?? 0) >= facts.entry.sentAt,
  next: toVerifying,
};
const goneBack = (facts: Facts): LedgerEntry =>
  fail(facts, 'agent-reverted', `the agent went back to ${reported(facts)?.hash.slice(0, 12)} by itself`);
/** Before proof there is no second chance: whoever leaves what it was applying did not get it to work (A.4). */
const REVERTED: Rule = {
  name: 'the agent went back to another configuration',
  holds: namesAnother,
  next: goneBack,
};
/** Proven, and now another one: once it may be a restart from an old disk, seen on another epoch (A.7). */
const REVERTED_LATE: Rule = {
  name: 'the agent left what was proven, on the same epoch or for the second time',
  holds: (facts) => namesAnother(facts) && (sameEpoch(facts) || facts.entry.reverts > 0),
  next: goneBack,
};
const RESTARTED_BACK: Rule = {
  name: 'the agent came back from a restart with another configuration than the proven one, for the first time',
  holds: namesAnother,
  next: toSentAgain,
};
const STATE_LOST: Rule = {
  name: 'the agent came back with no configuration, for the first time',
  holds: (facts) => namesNothing(facts) && facts.entry.reverts === 0,
  next: toSentAgain,
};
const RESTART_LOOP: Rule = {
  name: 'the agent came back with no configuration twice',
  holds: (facts) => namesNothing(facts) && facts.entry.reverts > 0,
  next: (facts) => fail(facts, 'restart-loop', 'the agent lost the revision twice by restarting'),
};
const NO_VERDICT: Rule = {
  name: 'the deadline passed without a verdict',
  holds: deadlinePassed,
  next: (facts) => {
    const { entry, presence } = facts;
    if (!presence.connected) return fail(facts, 'lost-contact', 'the agent vanished after the offer');
    if (!isVerifiable(facts.agent.identity)) {
      return fail(
        facts,
        'never-acknowledged',
        'the agent reports neither a config status nor an effective config: nothing can show that it runs this',
      );
    }
    if (entry.receivedAt === null && entry.sends >= LIMITS.sendsPerAssignment)
      return fail(facts, 'never-acknowledged', `sent ${entry.sends} times, never acknowledged`);
    return fail(
      facts,
      'apply-timeout',
      `no verdict within ${entry.terms.applyTimeout / 1_000} s of the offer`,
    );
  },
};
const MISMATCH: Rule = {
  name: 'the effective config contradicts the offer',
  holds: contradicted,
  next: (facts) =>
    fail(
      facts,
      'effective-mismatch',
      facts.entry.effective?.kind === 'contradicted' ? facts.entry.effective.why : '',
    ),
};
const isProven = (facts: Facts): boolean =>
  isHeard(facts) &&
  statusAgrees(facts) &&
  healthy(facts) &&
  effectiveAgrees(facts) &&
  provenLongEnough(facts);
const toProven = ({ entry, now }: Facts): LedgerEntry => ({
  ...entry,
  phase: 'proven',
  provenAt: now,
  deadline: null,
  failure: null,
});
const PROVEN: Rule = {
  name: 'status, health, effective config and time agree',
  holds: isProven,
  next: toProven,
};
const NOT_PROVEN: Rule = {
  name: 'the deadline passed without proof',
  holds: deadlinePassed,
  next: (facts) => {
    const { entry, presence, agent } = facts;
    if (!presence.connected) return fail(facts, 'lost-contact', 'the agent vanished after it said APPLIED');
    if (!statusAgrees(facts))
      return fail(facts, 'apply-timeout', 'the agent said APPLIED, and then that it is not so');
    if (!healthy(facts)) return fail(facts, 'unhealthy', illHealth(agent, entry));
    if (entry.effective?.kind === 'contradicted' && !effectiveAgrees(facts)) return MISMATCH.next(facts);
    if (!effectiveAgrees(facts)) {
      return fail(
        facts,
        'no-effective-config',
        'the agent says APPLIED but sent no effective config that shows it',
      );
    }
    return fail(
      facts,
      'unhealthy',
      `the agent was not healthy and connected for ${entry.terms.minHealthyTime / 1_000} s without a break`,
    );
  },
};

function illHealth({ report: { health } }: Agent, { sentAt }: LedgerEntry): string {
  if (health === null || (sentAt !== null && health.at < sentAt))
    return 'the agent says APPLIED but has not reported its health since the offer';
  return health.lastError || 'the agent says APPLIED but is not healthy';
}

const isSilence = (failure: Failure | null): boolean => failure !== null && SILENCE.has(failure.reason);
const isRefusal = (failure: Failure | null): boolean => failure !== null && CONDEMNING.has(failure.reason);

const REFUSED_BEFORE: Rule = {
  name: 'the agent refused this hash in an earlier assignment',
  holds: ({ entry, agent }) => refusalOf(agent, entry.revision.hash) !== undefined,
  next: (facts) =>
    fail(facts, 'agent-failed', refusalOf(facts.agent, facts.entry.revision.hash)?.message ?? ''),
};
const ON_THE_WAY: Rule = {
  name: 'an earlier assignment of the same hash sent it already',
  holds: ({ entry }) => entry.sentAt !== null,
  next: ({ entry, now }) => ({ ...entry, phase: 'sent', deadline: now + entry.terms.applyTimeout }),
};
/** What came after the deadline is still the truth; a refusal stands until somebody retries (I5). */
const LATE_FAILED: Rule = {
  name: 'a late FAILED after another failure',
  holds: (facts) => !isRefusal(facts.entry.failure) && says(facts, 'FAILED'),
  next: AGENT_FAILED.next,
};
const LATE_APPLIED: Rule = {
  name: 'a late APPLIED after silence, from an agent that is there',
  holds: (facts) =>
    isSilence(facts.entry.failure) && isHeard(facts) && (says(facts, 'APPLIED') || SHOWN.holds(facts)),
  next: toVerifying,
};
const LATE_REVERTED: Rule = {
  name: 'an agent that had it and failed went back to another configuration',
  holds: (facts) => !isRefusal(facts.entry.failure) && facts.entry.receivedAt !== null && namesAnother(facts),
  next: goneBack,
};
const LATE_PROOF: Rule = {
  name: 'what was missing for the proof has come',
  holds: (facts) => !isRefusal(facts.entry.failure) && !isSilence(facts.entry.failure) && isProven(facts),
  next: toProven,
};

/** Every phase with its rules, most important first. No phase can be forgotten: the record is complete by its type. */
export const RULES: Readonly<Record<Phase, readonly Rule[]>> = {
  offered: [
    REFUSED_BEFORE,
    AGENT_FAILED,
    unlessCrossed(APPLIED),
    unlessCrossed(APPLYING),
    unlessCrossed(NAMED),
    ON_THE_WAY,
  ],
  sent: [AGENT_FAILED, APPLIED, APPLYING, NAMED, SHOWN, NO_VERDICT],
  received: [AGENT_FAILED, APPLIED, APPLYING, REVERTED, STATE_LOST, RESTART_LOOP, NO_VERDICT],
  applying: [AGENT_FAILED, APPLIED, REVERTED, STATE_LOST, RESTART_LOOP, NO_VERDICT],
  verifying: [AGENT_FAILED, REVERTED, STATE_LOST, RESTART_LOOP, MISMATCH, PROVEN, NOT_PROVEN],
  proven: [AGENT_FAILED, REVERTED_LATE, RESTARTED_BACK, STATE_LOST, RESTART_LOOP],
  failed: [LATE_FAILED, LATE_APPLIED, LATE_REVERTED, LATE_PROOF],
};

/** An absence too short to break a proof. After a restart of ours nobody knows how long it was: that is a break. */
const isShortlyAway = ({ presence, now }: Facts): boolean =>
  presence.disconnectedAt !== null && now - presence.disconnectedAt <= RECONNECT_GRACE;

/** Keeps `healthySince` true: set when health agrees, cleared by ill health or a lost connection (S4). */
function withContinuity(facts: Facts): LedgerEntry {
  const { entry, presence, now } = facts;
  if (!isJudged(entry)) return entry;
  const isThere = presence.connected || (entry.healthySince !== null && isShortlyAway(facts));
  const well = healthy(facts) && (isThere || entry.phase === 'proven');
  if (well === (entry.healthySince !== null)) return entry;
  return { ...entry, healthySince: well ? now : null };
}
/** Health counts while proof is sought or held, and where it may still come late. */
const isJudged = ({ phase, failure }: LedgerEntry): boolean =>
  phase === 'verifying' ||
  phase === 'proven' ||
  (phase === 'failed' && !isRefusal(failure) && !isSilence(failure));

/**
 * The entry as it is now. Returns the same object when nothing changed. Several rules may fire in a row (APPLIED and
 * proven in one message); each phase moves forward at most once, so this ends.
 */
export function assess(agent: Agent, presence: Presence, now: Instant): LedgerEntry | null {
  let entry = agent.ledger;
  if (entry === null) return null;
  for (let moves = 0; moves < MOST_MOVES; moves += 1) {
    const facts: Facts = { entry: withContinuity({ entry, agent, presence, now }), agent, presence, now };
    const rule = RULES[facts.entry.phase].find((candidate) => candidate.holds(facts));
    if (rule === undefined) return facts.entry;
    entry = rule.next(facts);
  }
  return entry;
}

const MOST_MOVES = 4;

/** How long the news that a proof needs may take before a full state is asked for (S3). */
const NEWS_EXPECTED: Millis = 3_000;

/** True when a proof waits for something that the agent has not said since the send and may never say unasked. */
export function lacksNews(agent: Agent, presence: Presence, now: Instant): boolean {
  const { ledger: entry, report } = agent;
  if (entry === null || entry.sentAt === null || !presence.connected) return false;
  const since =
    entry.phase === 'verifying'
      ? entry.appliedAt
      : entry.source.kind === 'retry' && entry.phase === 'sent'
        ? entry.sentAt + 1
        : null;
  if (since === null || now - since < NEWS_EXPECTED || (presence.fullStateAt ?? 0) >= since) return false;
  const healthMissing = can(agent.identity, 'ReportsHealth') && (report.health?.at ?? 0) < entry.sentAt;
  const effectiveMissing =
    can(agent.identity, 'ReportsEffectiveConfig') &&
    (entry.effective === null || entry.effective.kind === 'contradicted');
  return healthMissing || effectiveMissing || entry.phase === 'sent';
}

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
