/** What moves a ledger entry: every phase with its rules, in the order of their priority. SPEC.md lists them. */
import { type Agent, isVerifiable, type Refusal } from '../agents/agent.ts';
import { LIMITS } from '../limits.ts';
import {
  contradicted,
  deadlinePassed,
  effectiveAgrees,
  type Facts,
  healthy,
  isCrossed,
  isHeard,
  isRefusal,
  isSilence,
  namesAnother,
  namesIt,
  namesNothing,
  provenLongEnough,
  reported,
  reportsStatus,
  sameEpoch,
  says,
  statusAgrees,
} from './facts.ts';
import type { Failure, FailureReason, LedgerEntry, Phase } from './ledger.ts';

interface Rule {
  readonly name: string;
  readonly holds: (facts: Facts) => boolean;
  readonly next: (facts: Facts) => LedgerEntry;
}

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
    return fail(facts, 'apply-timeout', `no verdict within ${entry.terms.applyTimeout / 1_000} s of the offer`);
  },
};
const MISMATCH: Rule = {
  name: 'the effective config contradicts the offer',
  holds: contradicted,
  next: (facts) =>
    fail(facts, 'effective-mismatch', facts.entry.effective?.kind === 'contradicted' ? facts.entry.effective.why : ''),
};
const isProven = (facts: Facts): boolean =>
  isHeard(facts) && statusAgrees(facts) && healthy(facts) && effectiveAgrees(facts) && provenLongEnough(facts);
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
    if (!statusAgrees(facts)) return fail(facts, 'apply-timeout', 'the agent said APPLIED, and then that it is not so');
    if (!healthy(facts)) return fail(facts, 'unhealthy', illHealth(agent, entry));
    if (entry.effective?.kind === 'contradicted' && !effectiveAgrees(facts)) return MISMATCH.next(facts);
    if (!effectiveAgrees(facts)) {
      return fail(facts, 'no-effective-config', 'the agent says APPLIED but sent no effective config that shows it');
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

const REFUSED_BEFORE: Rule = {
  name: 'the agent refused this hash in an earlier assignment',
  holds: ({ entry, agent }) => refusalOf(agent, entry.revision.hash) !== undefined,
  next: (facts) => fail(facts, 'agent-failed', refusalOf(facts.agent, facts.entry.revision.hash)?.message ?? ''),
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
  holds: (facts) => isSilence(facts.entry.failure) && isHeard(facts) && (says(facts, 'APPLIED') || SHOWN.holds(facts)),
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
