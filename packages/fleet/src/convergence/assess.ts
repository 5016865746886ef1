/**
 * Moves a ledger entry by what is known now. Level-triggered: it looks at the facts, not at the message that brought
 * them, so that a lost, doubled or reordered message changes nothing. SPEC.md lists the rules and invariants; the
 * order of the rules of a phase is their priority.
 */
import { type Agent, can, type Presence } from '../agents/agent.ts';
import type { Instant, Millis } from '../time.ts';
import type { Failure, FailureReason, LedgerEntry, Phase } from './ledger.ts';

/** After APPLIED the old effective config may still be the last one reported; a mismatch counts only after this. */
export const EFFECTIVE_SETTLE: Millis = 10_000;

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
const says = (facts: Facts, status: string): boolean => namesIt(facts) && reported(facts)?.status === status;
const deadlinePassed = ({ entry, now }: Facts): boolean => entry.deadline !== null && now >= entry.deadline;
const reportsHealth = ({ agent }: Facts): boolean => can(agent.identity, 'ReportsHealth');
const reportsEffective = ({ agent }: Facts): boolean => can(agent.identity, 'ReportsEffectiveConfig');
const reportsStatus = ({ agent }: Facts): boolean => can(agent.identity, 'ReportsRemoteConfig');

/** It speaks of another configuration although it had taken this one, and its state is known without gaps. */
const namesAnother = (facts: Facts): boolean => {
  const report = reported(facts);
  return (
    facts.presence.synced &&
    report !== null &&
    report.hash !== '' &&
    !namesIt(facts) &&
    report.status === 'APPLIED'
  );
};
const namesNothing = (facts: Facts): boolean =>
  facts.presence.synced && reportsStatus(facts) && (reported(facts)?.hash ?? '') === '';
/** The report came on the connection on which it was sent: no restart lies between. */
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

/** S4: healthy for the whole window, connected, and heard from within it. */
const provenLongEnough = ({ entry, presence, now }: Facts): boolean => {
  if (entry.healthySince === null || !presence.connected) return false;
  if (entry.terms.minHealthyTime === 0) return true;
  return (
    now - entry.healthySince >= entry.terms.minHealthyTime && (presence.lastSeen ?? 0) > entry.healthySince
  );
};

function fail({ entry, now }: Facts, reason: FailureReason, message: string): LedgerEntry {
  const failure: Failure = { reason, message, at: now };
  return { ...entry, phase: 'failed', failure, deadline: null, healthySince: null, provenAt: null };
}

const toReceived = ({ entry, now }: Facts): LedgerEntry => ({
  ...entry,
  phase: 'received',
  receivedAt: entry.receivedAt ?? now,
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
const toSentAgain = ({ entry }: Facts): LedgerEntry => ({
  ...entry,
  phase: 'sent',
  receivedAt: null,
  applyingAt: null,
  appliedAt: null,
  healthySince: null,
  provenAt: null,
  reverts: entry.reverts + 1,
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
const REVERTED: Rule = {
  name: 'the agent went back to another configuration',
  holds: (facts) => namesAnother(facts) && (sameEpoch(facts) || facts.entry.reverts > 0),
  next: (facts) =>
    fail(facts, 'agent-reverted', `the agent went back to ${reported(facts)?.hash.slice(0, 12)} by itself`),
};
const RESTARTED_BACK: Rule = {
  name: 'the agent came back from a restart with another configuration, or with none, for the first time',
  holds: (facts) =>
    (namesAnother(facts) || namesNothing(facts)) && !sameEpoch(facts) && facts.entry.reverts === 0,
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
  next: (facts) =>
    facts.presence.connected
      ? fail(
          facts,
          'apply-timeout',
          `no verdict within ${facts.entry.terms.applyTimeout / 1_000} s of the offer`,
        )
      : fail(facts, 'lost-contact', 'the agent vanished after the offer'),
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
const PROVEN: Rule = {
  name: 'status, health, effective config and time agree',
  holds: (facts) => healthy(facts) && effectiveAgrees(facts) && provenLongEnough(facts),
  next: ({ entry, now }) => ({ ...entry, phase: 'proven', provenAt: now, deadline: null }),
};
const NOT_PROVEN: Rule = {
  name: 'the deadline passed without proof',
  holds: deadlinePassed,
  next: (facts) => {
    if (!facts.presence.connected)
      return fail(facts, 'lost-contact', 'the agent vanished after it said APPLIED');
    if (!healthy(facts))
      return fail(
        facts,
        'unhealthy',
        facts.agent.report.health?.lastError || 'the agent says APPLIED but is not healthy',
      );
    return fail(
      facts,
      'no-effective-config',
      'the agent says APPLIED but sent no effective config that shows it',
    );
  },
};

/** Every phase with its rules, most important first. No phase can be forgotten: the record is complete by its type. */
export const RULES: Readonly<Record<Phase, readonly Rule[]>> = {
  offered: [AGENT_FAILED, APPLIED, APPLYING, NAMED],
  sent: [AGENT_FAILED, APPLIED, APPLYING, NAMED, SHOWN, NO_VERDICT],
  received: [AGENT_FAILED, APPLIED, APPLYING, REVERTED, RESTARTED_BACK, RESTART_LOOP, NO_VERDICT],
  applying: [AGENT_FAILED, APPLIED, REVERTED, RESTARTED_BACK, RESTART_LOOP, NO_VERDICT],
  verifying: [AGENT_FAILED, REVERTED, RESTARTED_BACK, RESTART_LOOP, MISMATCH, PROVEN, NOT_PROVEN],
  proven: [AGENT_FAILED, REVERTED, RESTARTED_BACK, RESTART_LOOP],
  // A verdict that came after the deadline is still the truth; a refusal stands until somebody retries (I5).
  failed: [
    {
      name: 'a late APPLIED after silence',
      holds: (facts) => isSilence(facts.entry.failure) && says(facts, 'APPLIED'),
      next: toVerifying,
    },
    {
      name: 'a late FAILED after silence',
      holds: (facts) => isSilence(facts.entry.failure) && says(facts, 'FAILED'),
      next: AGENT_FAILED.next,
    },
  ],
};

const isSilence = (failure: Failure | null): boolean =>
  failure?.reason === 'lost-contact' || failure?.reason === 'apply-timeout';

/** Keeps `healthySince` true: set when health agrees, cleared by ill health or a lost connection (S4). */
function withContinuity(facts: Facts): LedgerEntry {
  const { entry, now } = facts;
  if (entry.phase !== 'verifying' && entry.phase !== 'proven') return entry;
  const well = healthy(facts) && (facts.presence.connected || entry.phase === 'proven');
  if (well === (entry.healthySince !== null)) return entry;
  return { ...entry, healthySince: well ? now : null };
}

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
        ? entry.sentAt
        : null;
  if (since === null || now - since < NEWS_EXPECTED || (presence.fullStateAt ?? 0) >= since) return false;
  const healthMissing = can(agent.identity, 'ReportsHealth') && (report.health?.at ?? 0) < entry.sentAt;
  const effectiveMissing = can(agent.identity, 'ReportsEffectiveConfig') && entry.effective === null;
  return healthMissing || effectiveMissing || entry.phase === 'sent';
}

/** Reasons that make the pair (agent, hash) refused: the agent had it and did not keep it (I5). */
export const CONDEMNING: ReadonlySet<FailureReason> = new Set<FailureReason>([
  'agent-failed',
  'agent-reverted',
  'restart-loop',
]);
