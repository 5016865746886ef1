/** What moves a ledger entry: every phase with its rules, in the order of their priority. SPEC.md lists them. */
import type { Agent, Presence, RemoteConfigState } from '../agents/agent.ts';
import { can, isVerifiable, refusalOf } from '../agents/agent.ts';
import { LIMITS } from '../limits.ts';
import type { Instant, Millis } from '../time.ts';
import { worsened } from './baseline.ts';
import { mayBeOlder } from './crossing.ts';
import { awaitingAnswer, UNHEARD } from './entry.ts';
import { type FailureReason, type LedgerEntry, meaningOf, type Phase } from './ledger.ts';

/** Everything a rule may look at. */
export interface Facts {
  readonly entry: LedgerEntry;
  readonly agent: Agent;
  readonly presence: Presence;
  readonly now: Instant;
}

type Condition = (facts: Facts) => boolean;
/** What changes in the entry. */
type Move = (facts: Facts) => Partial<LedgerEntry>;
/** What changes in the entry, where the rule holds. */
type Rule = (facts: Facts) => Partial<LedgerEntry> | undefined;

// ---- The questions that rules ask.

const reportsStatus: Condition = ({ agent }) => can(agent.identity, 'ReportsRemoteConfig');

/** After a retry only what was said since the send counts: the report of the first attempt is still there. */
const isNews = ({ entry }: Facts, at: Instant): boolean =>
  entry.source.kind !== 'retry' || (entry.sentAt !== null && at >= entry.sentAt);

const namesIt: Condition = (facts) => {
  const { reported } = facts.agent.report;
  return reported?.hash === facts.entry.revision.hash && isNews(facts, reported.at);
};

function says(status: RemoteConfigState): Condition {
  return (facts) => facts.agent.report.reported?.status === status && namesIt(facts);
}
const saysApplied = says('APPLIED');

/** The hash that it holds by its own word, empty for none; undefined while that is not known without gaps. */
const heldHash = (facts: Facts): string | undefined =>
  facts.presence.synced && reportsStatus(facts) ? (facts.agent.report.reported?.hash ?? '') : undefined;
const namesNothing: Condition = (facts) => heldHash(facts) === '';
const isFirstLoss: Condition = ({ entry }) => entry.reverts === 0;
/** It has applied another configuration. */
const namesAnother: Condition = (facts) =>
  Boolean(heldHash(facts)) && facts.agent.report.reported?.status === 'APPLIED' && !namesIt(facts);

/** Its state is known, on a connection that is there. */
const isHeard: Condition = ({ presence }) => presence.connected && presence.synced;
const deadlinePassed: Condition = ({ entry, now }) => entry.deadline !== null && now >= entry.deadline;

const healthSinceSend = ({ entry, agent: { report } }: Facts) =>
  report.health !== null && report.health.at >= (entry.sentAt ?? 0) ? report.health : null;

/** S3: healthy as a whole, no part worse than before, received after the send; who does not report health is not asked for it. */
export const healthy: Condition = (facts) => {
  if (!can(facts.agent.identity, 'ReportsHealth')) return true;
  const health = healthSinceSend(facts);
  return health?.healthy === true && worsened(health, facts.entry.baseline) === undefined;
};

/** S5 under the terms: `never` looks away, `ifReported` accepts silence, `always` wants a confirmation. */
const effectiveAgrees: Condition = ({ entry: { terms, effective }, agent }) => {
  if (terms.requireEffective === 'never' || effective?.kind === 'confirmed') return true;
  const isSilent = !can(agent.identity, 'ReportsEffectiveConfig') || effective?.kind === 'inconclusive';
  return terms.requireEffective === 'ifReported' && isSilent;
};

/** An effective config from after the send contains the offer: agents without a status have no other APPLIED. */
const showsIt: Condition = (facts) => {
  const { sentAt, effective } = facts.entry;
  const isNew = sentAt !== null && (facts.agent.report.effective?.at ?? 0) >= sentAt;
  return isNew && effective?.kind === 'confirmed' && !reportsStatus(facts);
};

/** S1 and S2 as they stand now; agents without a status show the offer in their effective config. */
const statusAgrees: Condition = (facts) =>
  saysApplied(facts) || (!reportsStatus(facts) && facts.entry.effective?.kind === 'confirmed');

/** S4: healthy for the whole window, and heard from within it. */
const provenLongEnough: Condition = ({ entry: { healthySince, terms }, presence, now }) => {
  if (healthySince === null || terms.minHealthyTime === 0) return healthySince !== null;
  const lastSeen = presence.lastSeen ?? 0;
  // Between two polls nothing shows that the agent is there.
  const until = presence.transport === 'http' ? lastSeen : now;
  return until - healthySince >= terms.minHealthyTime && lastSeen > healthySince;
};

/** What it says cannot be older than another send that it never answered (I13). */
const isRecent: Condition = ({ agent, presence, now }) => !mayBeOlder(agent, presence, now);

const isProven: Condition = (facts) =>
  isHeard(facts) && statusAgrees(facts) && healthy(facts) && effectiveAgrees(facts) && provenLongEnough(facts);

// ---- Where an entry goes.

/** An agent that has it without our sending gets a deadline here, or it could stay APPLYING for ever (I16). */
const toReceived: Move = ({ entry, now }) => ({
  phase: 'received',
  receivedAt: entry.receivedAt ?? now,
  deadline: entry.deadline ?? now + entry.terms.applyTimeout,
});
const toApplying: Move = (facts) => ({
  ...toReceived(facts),
  phase: 'applying',
  applyingAt: facts.entry.applyingAt ?? facts.now,
});
/** One that was given up keeps its `failure` until the proof. */
const toVerifying: Move = ({ entry, now }) => ({
  phase: 'verifying',
  receivedAt: entry.receivedAt ?? now,
  appliedAt: now,
  deadline: now + entry.terms.applyTimeout + entry.terms.minHealthyTime,
});
const toProven: Move = ({ now }) => ({
  phase: 'proven',
  provenAt: now,
  unhealthySince: null,
  relapses: 0,
  deadline: null,
  failure: null,
});
const toSent: Move = ({ entry, now }) => awaitingAnswer(entry, now);
/** It lost the revision by a restart: back to the start of this assignment, which the pull law may send again. */
const toSentAgain: Move = ({ entry, now }) => ({
  ...(entry.sentAt === null ? { ...UNHEARD, phase: 'offered' } : awaitingAnswer(entry, now)),
  reverts: entry.reverts + 1,
});

function fail({ now }: Facts, reason: FailureReason, message: string): Partial<LedgerEntry> {
  return {
    phase: 'failed',
    failure: { reason, message, at: now },
    deadline: null,
    healthySince: null,
    unhealthySince: null,
    provenAt: null,
  };
}

// ---- The rules.

function when(holds: Condition, rule: Rule): Rule {
  return (facts) => (holds(facts) ? rule(facts) : undefined);
}

const refusedBefore: Rule = (facts) => {
  const refusal = refusalOf(facts.agent, facts.entry.revision.hash);
  return refusal && fail(facts, 'agent-failed', refusal.message);
};
/** An earlier assignment of the same hash sent it. */
const onTheWay = when(({ entry }) => entry.sentAt !== null, toSent);
const failed = when(says('FAILED'), (facts) => {
  return fail(facts, 'agent-failed', facts.agent.report.reported?.errorMessage ?? '');
});
const applied = when(saysApplied, toVerifying);
const applying = when(says('APPLYING'), toApplying);
const named = when(namesIt, toReceived);
const shown = when(showsIt, toVerifying);

/** Before proof there is no second chance: whoever leaves what it was applying did not get it to work (A.4). */
const reverted = when(namesAnother, (facts) => {
  const hash = facts.agent.report.reported?.hash.slice(0, 12);
  return fail(facts, 'agent-reverted', `the agent went back to ${hash} by itself`);
});
/** Of what was proven once: it may be a restart from an old disk, seen on another epoch (A.7). */
const restartedBack = when(
  (facts) => namesAnother(facts) && isFirstLoss(facts) && facts.entry.sentEpoch !== facts.presence.epoch,
  toSentAgain,
);
const stateLost = when((facts) => namesNothing(facts) && isFirstLoss(facts), toSentAgain);
/** It was given up before, so its place is gone: what it lost is not sent again by this assignment. */
const lostAgain = when(
  (facts) => namesNothing(facts) && facts.entry.failure !== null,
  (facts) => fail(facts, 'lost-contact', 'the agent came back with the revision and lost it again'),
);
const restartLoop = when(namesNothing, (facts) => {
  return fail(facts, 'restart-loop', 'the agent lost the revision twice by restarting');
});

const noVerdict = when(deadlinePassed, (facts) => {
  const { sends, receivedAt, terms } = facts.entry;
  if (!facts.presence.connected) return fail(facts, 'lost-contact', 'the agent vanished after the offer');
  if (!isVerifiable(facts.agent.identity)) {
    const lacks = 'the agent reports neither a config status nor an effective config';
    return fail(facts, 'never-acknowledged', `${lacks}: nothing can show that it runs this`);
  }
  if (receivedAt === null && sends >= LIMITS.sendsPerAssignment)
    return fail(facts, 'never-acknowledged', `sent ${sends} times, never acknowledged`);
  return fail(facts, 'apply-timeout', `no verdict within ${terms.applyTimeout / 1_000} s of the offer`);
});

/** After APPLIED the old effective config may still be the last one reported; a mismatch counts only after this. */
export const EFFECTIVE_SETTLE: Millis = 10_000;

const mismatch: Rule = (facts) => {
  const { terms, effective, appliedAt } = facts.entry;
  if (terms.requireEffective === 'never' || effective?.kind !== 'contradicted') return undefined;
  const isSettled = facts.now - Math.max(appliedAt ?? facts.now, effective.at) >= EFFECTIVE_SETTLE;
  return isSettled ? fail(facts, 'effective-mismatch', effective.why) : undefined;
};
const proven = when(isProven, toProven);
const notProven = when(deadlinePassed, (facts) => {
  const { effective, terms } = facts.entry;
  if (!facts.presence.connected) return fail(facts, 'lost-contact', 'the agent vanished after it said APPLIED');
  if (!statusAgrees(facts)) return fail(facts, 'apply-timeout', 'the agent said APPLIED, and then that it is not so');
  if (!healthy(facts)) return fail(facts, isNoWorse(facts) ? 'unchanged-unhealthy' : 'unhealthy', illHealth(facts));
  if (!effectiveAgrees(facts)) {
    if (effective?.kind === 'contradicted') return fail(facts, 'effective-mismatch', effective.why);
    return fail(facts, 'no-effective-config', 'the agent says APPLIED but sent no effective config that shows it');
  }
  const unbroken = `for ${terms.minHealthyTime / 1_000} s without a break`;
  return fail(facts, 'unhealthy', `the agent was not healthy and connected ${unbroken}`);
});

/** It was unhealthy before, and nothing of it is that was healthy then (A.5). */
const isNoWorse: Condition = (facts) => {
  const health = healthSinceSend(facts);
  const { baseline } = facts.entry;
  return health !== null && baseline?.healthy === false && worsened(health, baseline) === undefined;
};

function illHealth(facts: Facts): string {
  const health = healthSinceSend(facts);
  if (health === null) return 'the agent says APPLIED but has not reported its health since the offer';
  const part = worsened(health, facts.entry.baseline);
  const isWhole = !health.healthy || part === undefined;
  return (
    health.lastError || (isWhole ? 'the agent says APPLIED but is not healthy' : `${part} is not healthy any more`)
  );
}

const withdrawn = when(
  ({ agent }) => !can(agent.identity, 'AcceptsRemoteConfig'),
  (facts) => fail(facts, 'capability-withdrawn', 'the agent accepts no remote configuration any more'),
);

/** What comes after a failure is still the truth; a refusal stands until somebody retries (I5). */
const isNoRefusal: Condition = ({ entry }) => meaningOf(entry.failure) !== 'refusal';
const wasSilence: Condition = (facts) => meaningOf(facts.entry.failure) === 'silence' && isHeard(facts);
const wasShortfall: Condition = ({ entry }) => meaningOf(entry.failure) === 'shortfall';
const hadIt: Condition = (facts) => isNoRefusal(facts) && facts.entry.receivedAt !== null;

/**
 * Every phase with its rules; the first that holds says what changes. No phase can be forgotten: the record is complete
 * by its type.
 */
export const RULES: Readonly<Record<Phase, Readonly<Record<string, Rule>>>> = {
  offered: {
    refusedBefore,
    failed,
    applied: when(isRecent, applied),
    applying: when(isRecent, applying),
    named: when(isRecent, named),
    onTheWay,
  },
  sent: { failed, applied, applying, named, shown: when(isRecent, shown), withdrawn, noVerdict },
  received: { failed, applied, applying, reverted, stateLost, restartLoop, withdrawn, noVerdict },
  applying: { failed, applied, reverted, stateLost, restartLoop, withdrawn, noVerdict },
  verifying: { failed, reverted, lostAgain, stateLost, restartLoop, mismatch, proven, withdrawn, notProven },
  proven: { failed, restartedBack, reverted, stateLost, restartLoop },
  failed: {
    failed: when(isNoRefusal, failed),
    applied: when(wasSilence, applied),
    shown: when(wasSilence, shown),
    reverted: when(hadIt, reverted),
    proven: when(wasShortfall, proven),
  },
};
