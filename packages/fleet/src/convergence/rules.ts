/** What moves a ledger entry: every phase with its rules, in the order of their priority. SPEC.md lists them. */
import {
  type Agent,
  can,
  type Health,
  isVerifiable,
  type Presence,
  type RemoteConfigState,
  refusalOf,
} from '../agents/agent.ts';
import { LIMITS } from '../limits.ts';
import type { Instant, Millis } from '../time.ts';
import { awaitAnswer, UNHEARD } from './entry.ts';
import { type FailureReason, type LedgerEntry, meaningOf, type Phase } from './ledger.ts';

/** Everything a rule may look at. */
export interface Facts {
  readonly entry: LedgerEntry;
  readonly agent: Agent;
  readonly presence: Presence;
  readonly now: Instant;
}

type Condition = (facts: Facts) => boolean;
type Move = (facts: Facts) => LedgerEntry;

interface Rule {
  readonly holds: Condition;
  readonly next: Move;
}

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
/** It has applied another configuration. */
const namesAnother: Condition = (facts) =>
  Boolean(heldHash(facts)) && facts.agent.report.reported?.status === 'APPLIED' && !namesIt(facts);

/** Its state is known, on a connection that is there. */
const isHeard: Condition = ({ presence }) => presence.connected && presence.synced;
const deadlinePassed: Condition = ({ entry, now }) => entry.deadline !== null && now >= entry.deadline;

const healthSinceSend = ({ entry, agent: { report } }: Facts): Health | null =>
  report.health !== null && report.health.at >= (entry.sentAt ?? 0) ? report.health : null;

/** S3: healthy, received after the send; agents that do not report health are not asked for it. */
export const healthy: Condition = (facts) =>
  !can(facts.agent.identity, 'ReportsHealth') || healthSinceSend(facts)?.healthy === true;

/** S5 under the terms: `never` looks away, `ifReported` accepts silence, `always` wants a confirmation. */
const effectiveAgrees: Condition = ({ entry: { terms, effective }, agent }) => {
  if (terms.requireEffective === 'never' || effective?.kind === 'confirmed') return true;
  const isSilent = !can(agent.identity, 'ReportsEffectiveConfig') || effective?.kind === 'inconclusive';
  return terms.requireEffective === 'ifReported' && isSilent;
};

/** S1 and S2 as they stand now; agents without a status show the offer in their effective config. */
const statusAgrees: Condition = (facts) =>
  saysApplied(facts) || (!reportsStatus(facts) && facts.entry.effective?.kind === 'confirmed');

/** S4: healthy for the whole window, and heard from within it. */
const provenLongEnough: Condition = ({ entry: { healthySince, terms }, presence, now }) =>
  healthySince !== null &&
  (terms.minHealthyTime === 0 ||
    (now - healthySince >= terms.minHealthyTime && (presence.lastSeen ?? 0) > healthySince));

/**
 * While another revision that was sent before has not been named, what the agent says of this one may have crossed it
 * (I13). That ends when the agent names the other, when a full state on a later epoch does not, or with the time it had.
 */
const isUncrossed: Condition = ({ agent: { assignment, report }, presence, now }) => {
  const left = assignment.leftOnTheWay;
  if (left === null || now >= left.until || report.reported?.hash === left.hash) return true;
  return (
    presence.epoch !== left.epoch &&
    presence.fullStateEpoch === presence.epoch &&
    (presence.fullStateAt ?? 0) >= left.sentAt
  );
};

// ---- Where an entry goes.

/** An agent that has it without our sending gets a deadline here, or it could stay APPLYING for ever (I16). */
const toReceived: Move = ({ entry, now }) => ({
  ...entry,
  phase: 'received',
  receivedAt: entry.receivedAt ?? now,
  deadline: entry.deadline ?? now + entry.terms.applyTimeout,
});
const toApplying: Move = (facts) => ({
  ...toReceived(facts),
  phase: 'applying',
  applyingAt: facts.entry.applyingAt ?? facts.now,
});
const toVerifying: Move = (facts) => ({
  ...toReceived(facts),
  phase: 'verifying',
  appliedAt: facts.now,
  deadline: facts.now + facts.entry.terms.applyTimeout + facts.entry.terms.minHealthyTime,
  failure: null,
});
const toProven: Move = ({ entry, now }) => ({
  ...entry,
  phase: 'proven',
  provenAt: now,
  deadline: null,
  failure: null,
});
/** It lost the revision by a restart: back to the start of this assignment, which the pull law may send again. */
const toSentAgain: Move = ({ entry, now }) => ({
  ...(entry.sentAt === null ? { ...entry, ...UNHEARD, phase: 'offered' } : awaitAnswer(entry, now)),
  reverts: entry.reverts + 1,
});
function toFailed(why: (facts: Facts) => readonly [FailureReason, string]): Move {
  return (facts) => {
    const [reason, message] = why(facts);
    const failure = { reason, message, at: facts.now };
    return { ...facts.entry, phase: 'failed', failure, deadline: null, healthySince: null, provenAt: null };
  };
}

// ---- The rules.

/** The rule, where that holds as well. */
const only = (when: Condition, { holds, next }: Rule): Rule => ({
  holds: (facts) => when(facts) && holds(facts),
  next,
});

const refusedBefore: Rule = {
  holds: ({ agent, entry }) => refusalOf(agent, entry.revision.hash) !== undefined,
  next: toFailed(({ agent, entry }) => ['agent-failed', refusalOf(agent, entry.revision.hash)?.message ?? '']),
};
const failed: Rule = {
  holds: says('FAILED'),
  next: toFailed(({ agent }) => ['agent-failed', agent.report.reported?.errorMessage ?? '']),
};
const applied: Rule = { holds: saysApplied, next: toVerifying };
const applying: Rule = { holds: says('APPLYING'), next: toApplying };
const named: Rule = { holds: namesIt, next: toReceived };
/** Agents without ReportsRemoteConfig: an effective config that contains the offer stands for APPLIED. */
const shown: Rule = {
  holds: (facts) => {
    const { sentAt, effective } = facts.entry;
    const isNew = sentAt !== null && (facts.agent.report.effective?.at ?? 0) >= sentAt;
    return isNew && effective?.kind === 'confirmed' && !reportsStatus(facts);
  },
  next: toVerifying,
};
/** An earlier assignment of the same hash sent it. */
const onTheWay: Rule = {
  holds: ({ entry }) => entry.sentAt !== null,
  next: ({ entry, now }) => awaitAnswer(entry, now),
};

/** Before proof there is no second chance: whoever leaves what it was applying did not get it to work (A.4). */
const reverted: Rule = {
  holds: namesAnother,
  next: toFailed(({ agent: { report } }) => {
    return ['agent-reverted', `the agent went back to ${report.reported?.hash.slice(0, 12)} by itself`];
  }),
};
/** Once it may be a restart from an old disk, seen on another epoch (A.7). */
const isSecondOrNoRestart: Condition = ({ entry, presence }) => entry.reverts > 0 || entry.sentEpoch === presence.epoch;
const restartedBack: Rule = { holds: namesAnother, next: toSentAgain };
const stateLost: Rule = only(({ entry }) => entry.reverts === 0, { holds: namesNothing, next: toSentAgain });
const restartLoop: Rule = {
  holds: namesNothing,
  next: toFailed(() => ['restart-loop', 'the agent lost the revision twice by restarting']),
};

const noVerdict: Rule = {
  holds: deadlinePassed,
  next: toFailed(({ entry, agent, presence }) => {
    if (!presence.connected) return ['lost-contact', 'the agent vanished after the offer'];
    if (!isVerifiable(agent.identity)) {
      const lacks = 'the agent reports neither a config status nor an effective config';
      return ['never-acknowledged', `${lacks}: nothing can show that it runs this`];
    }
    if (entry.receivedAt === null && entry.sends >= LIMITS.sendsPerAssignment)
      return ['never-acknowledged', `sent ${entry.sends} times, never acknowledged`];
    return ['apply-timeout', `no verdict within ${entry.terms.applyTimeout / 1_000} s of the offer`];
  }),
};

/** After APPLIED the old effective config may still be the last one reported; a mismatch counts only after this. */
export const EFFECTIVE_SETTLE: Millis = 10_000;

const mismatch: Rule = {
  holds: ({ entry: { terms, effective, appliedAt }, now }) =>
    terms.requireEffective !== 'never' &&
    effective?.kind === 'contradicted' &&
    now - Math.max(appliedAt ?? now, effective.at) >= EFFECTIVE_SETTLE,
  next: toFailed(({ entry }) => ['effective-mismatch', contradiction(entry) ?? '']),
};
const proven: Rule = {
  holds: (facts) =>
    isHeard(facts) && statusAgrees(facts) && healthy(facts) && effectiveAgrees(facts) && provenLongEnough(facts),
  next: toProven,
};
const notProven: Rule = {
  holds: deadlinePassed,
  next: toFailed((facts) => {
    const { entry, presence } = facts;
    if (!presence.connected) return ['lost-contact', 'the agent vanished after it said APPLIED'];
    if (!statusAgrees(facts)) return ['apply-timeout', 'the agent said APPLIED, and then that it is not so'];
    if (!healthy(facts)) return ['unhealthy', illHealth(facts)];
    if (!effectiveAgrees(facts)) {
      const why = contradiction(entry);
      if (why !== undefined) return ['effective-mismatch', why];
      return ['no-effective-config', 'the agent says APPLIED but sent no effective config that shows it'];
    }
    const window = entry.terms.minHealthyTime / 1_000;
    return ['unhealthy', `the agent was not healthy and connected for ${window} s without a break`];
  }),
};

const contradiction = ({ effective }: LedgerEntry): string | undefined =>
  effective?.kind === 'contradicted' ? effective.why : undefined;

function illHealth(facts: Facts): string {
  const health = healthSinceSend(facts);
  if (health === null) return 'the agent says APPLIED but has not reported its health since the offer';
  return health.lastError || 'the agent says APPLIED but is not healthy';
}

/** What comes after a failure is still the truth; a refusal stands until somebody retries (I5). */
const isNoRefusal: Condition = ({ entry }) => meaningOf(entry.failure) !== 'refusal';
const wasSilence: Condition = (facts) => meaningOf(facts.entry.failure) === 'silence' && isHeard(facts);
const wasShortfall: Condition = ({ entry }) => meaningOf(entry.failure) === 'shortfall';
const hadIt: Condition = (facts) => isNoRefusal(facts) && facts.entry.receivedAt !== null;

/** Every phase with its rules, most important first. No phase can be forgotten: the record is complete by its type. */
export const RULES: Readonly<Record<Phase, Readonly<Record<string, Rule>>>> = {
  offered: {
    refusedBefore,
    failed,
    applied: only(isUncrossed, applied),
    applying: only(isUncrossed, applying),
    named: only(isUncrossed, named),
    onTheWay,
  },
  sent: { failed, applied, applying, named, shown, noVerdict },
  received: { failed, applied, applying, reverted, stateLost, restartLoop, noVerdict },
  applying: { failed, applied, reverted, stateLost, restartLoop, noVerdict },
  verifying: { failed, reverted, stateLost, restartLoop, mismatch, proven, notProven },
  proven: { failed, reverted: only(isSecondOrNoRestart, reverted), restartedBack, stateLost, restartLoop },
  failed: {
    failed: only(isNoRefusal, failed),
    applied: only(wasSilence, applied),
    shown: only(wasSilence, shown),
    reverted: only(hadIt, reverted),
    proven: only(wasShortfall, proven),
  },
};
