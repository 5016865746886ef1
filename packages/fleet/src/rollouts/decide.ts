/**
 * What happens next in a rollout: `(rollout, surroundings, now) -> event`. Pure and level-triggered: it looks at what is,
 * not at what came, so that asking again, after a crash or by another engine, gives the same answer. The event is the
 * decision, and stands in the log with its reason.
 */
import type { AgentId } from '../agents/agent.ts';
import type { Instant, Millis } from '../time.ts';
import { isAlike } from './control-group.ts';
import { lateFailure } from './observation.ts';
import { admissible, isLate, isReachable, type Placed } from './plan.ts';
import { failedReverts, nextReverts } from './revert.ts';
import type { Observation, PauseReason, Rollout, RolloutEvent, Target } from './rollout.ts';
import {
  boundsNow,
  canGoBack,
  everExposed,
  exposed,
  failedSoFar,
  hasFailed,
  inFlight,
  isAtGate,
  mayBeAdmitted,
  withoutWayBack,
} from './rollout.ts';
import type { Surroundings } from './surroundings.ts';

/** The next event, or undefined while nothing is to be done. */
export function decide(rollout: Rollout, around: Surroundings, now: Instant): RolloutEvent | undefined {
  switch (rollout.state) {
    case 'running':
    case 'baking':
      return (
        regressed(rollout, around, now) ??
        tripped(rollout, around) ??
        failedBack(rollout, around, now) ??
        (isUntold(rollout, around) ? undefined : onward(rollout, around, now))
      );
    case 'rolling-back':
      return backward(rollout, around, now);
    case 'paused':
      return (
        found(rollout, around) ??
        regressed(rollout, around, now) ??
        (isAtGate(rollout) ? tripped(rollout, around) : undefined)
      );
    default:
      return undefined;
  }
}

const onward = (rollout: Rollout, around: Surroundings, now: Instant): RolloutEvent | undefined =>
  rollout.state === 'baking' ? baked(rollout, around, now) : forward(rollout, around, now);

const paused = (reason: PauseReason, message: string): RolloutEvent => ({ type: 'paused', reason, message });

const observed = (changes: readonly Observation[]): RolloutEvent | undefined =>
  changes.length > 0 ? { type: 'observed', changes } : undefined;

/** Whether it has waited for so long since then, and not for us (I10). */
const hasPassed = (millis: Millis, since: Instant, { upSince, isReturning }: Surroundings, now: Instant): boolean =>
  now - Math.max(since, upSince) >= millis && !isReturning();

/** What comes of a soak or a bake that began: nothing before its end, nor while time must tell, but not for ever (I16). */
function watched(rollout: Rollout, around: Surroundings, now: Instant, passes: RolloutEvent): RolloutEvent | undefined {
  const { watchedUntil, strategy } = rollout;
  if (watchedUntil === null || now < watchedUntil || around.isReturning()) return undefined;
  const worse = inDoubt(rollout, around);
  if (worse === 0) return passes;
  const since = Math.max(watchedUntil, rollout.lastProgress);
  if (!hasPassed(strategy.progressDeadline, since, around, now)) return undefined;
  return paused('no-progress', `${worse} agents that were proven look worse, and neither fail nor recover`);
}

/** How many proven agents look worse just now, where that is more than the budgets have left: time will tell (I11). */
function inDoubt(rollout: Rollout, { doubtful }: Surroundings): number {
  const { spent, targets } = rollout;
  const { failed, lost } = budgetsOf(rollout);
  const worse = Iterator.from(doubtful())
    .filter(({ agent }) => targets.get(agent.identity.id)?.state === 'proven')
    .toArray().length;
  return spent.failed + spent.lost + worse > failed.most + lost.most ? worse : 0;
}

// ---- What goes wrong.

/** Proof that does not hold while it is still watched. */
function regressed(rollout: Rollout, around: Surroundings, now: Instant): RolloutEvent | undefined {
  const doubtful = [...around.doubtful()];
  return observed(doubtful.flatMap((placed) => lateFailure(rollout, placed, around, now) ?? []));
}

/** A budget that is exceeded, not merely met (I4). */
function tripped(rollout: Rollout, around: Surroundings): RolloutEvent | undefined {
  const { waived, planned } = rollout;
  const { failed, lost } = budgetsOf(rollout);
  if (isUntold(rollout, around)) return undefined;
  if (failed.spent > failed.most) {
    const message = `${failed.spent} of ${planned} agents failed; ${failed.may} may`;
    return environment(rollout, around, message) ?? failure(rollout, message);
  }
  if (lost.spent > lost.most) {
    const message = `${lost.spent} of ${planned} agents vanished after the offer; ${lost.may} may`;
    return environment(rollout, around, message) ?? paused('lost', message);
  }
  const { trippedSibling } = around;
  return trippedSibling === null || waived.sibling
    ? undefined
    : paused('sibling', `rollout ${trippedSibling} of the same push has stopped`);
}

/**
 * A budget is exceeded by health and contact alone, and after our own start the others have not come back: whether they
 * degrade alike is not known yet. Nothing goes on until it is, and those who failed go back by themselves.
 */
function isUntold(rollout: Rollout, { isReturning }: Surroundings): boolean {
  const { failed, lost } = budgetsOf(rollout);
  const isExceeded = failed.spent > failed.most || lost.spent > lost.most;
  return isExceeded && rollout.spent.failed <= rollout.spent.unwell && isReturning();
}

/** What was spent of each budget, how many may, and how many do not trip it after what people accepted (I4). */
function budgetsOf(rollout: Rollout) {
  const { spent, waived } = rollout;
  const { maxFailed, maxLost } = boundsNow(rollout);
  const budget = (used: number, may: number, accepted: number) => ({ spent: used, may, most: Math.max(may, accepted) });
  if (maxLost !== null)
    return { failed: budget(spent.failed, maxFailed, waived.failed), lost: budget(spent.lost, maxLost, waived.lost) };
  // In the canary who vanishes has failed: a host that is gone after an offer may be gone because of it.
  return { failed: budget(spent.failed + spent.lost, maxFailed, waived.failed + waived.lost), lost: budget(0, 0, 0) };
}

/** Health and contact are lost elsewhere as well: no reason to take back what may be good. Never where an agent said no. */
function environment(rollout: Rollout, { control }: Surroundings, message: string): RolloutEvent | undefined {
  const { failed, unwell, lost } = rollout.spent;
  if (failed > unwell) return undefined;
  const untouched = control();
  if (!isAlike({ bad: unwell + lost, all: everExposed(rollout) }, untouched)) return undefined;
  const others = `of ${untouched.all} agents that were not touched ${untouched.bad} lost health or contact as well`;
  return paused('environment', `${message}; ${others}`);
}

function failure(rollout: Rollout, message: string): RolloutEvent {
  if (rollout.strategy.onFailure === 'pause') return paused('failures', message);
  if (!canGoBack(rollout)) return paused('no-rollback-target', `${message}; ${withoutWayBack(rollout)}`);
  return { type: 'rollback-started', message };
}

/** Agents that have the revision although this, older, database never gave it to them: exposed like any target (I14). */
function found(rollout: Rollout, { untouched }: Surroundings): RolloutEvent | undefined {
  if (rollout.pause?.reason !== 'time-travel') return undefined;
  const agents = Iterator.from(untouched())
    .filter(({ agent, presence }) => presence.synced && agent.report.reported?.hash === rollout.target.hash)
    .filter(({ agent }) => mayBeAdmitted(rollout, agent.identity.id))
    .map(({ agent }) => ({ agent: agent.identity.id, late: false }))
    .toArray();
  return agents.length > 0 ? { type: 'admitted', agents, found: true } : undefined;
}

// ---- Forward.

/** Who waits: here, or `away`; who is here and not ready has something else under way, or is not known yet. */
function divide(rollout: Rollout, around: Surroundings, now: Instant) {
  const { targets } = rollout;
  const isReturning = around.isReturning();
  const isHere = (one: Placed) => isReachable(one, now) || (one.presence.lastSeen === null && isReturning);
  // Who was left for later already is not waited for again.
  const all = [...around.waiting()].filter(({ agent }) => !isLate(rollout, agent));
  const waiting = all.filter(({ agent }) => targets.get(agent.identity.id)?.state !== 'deferred');
  const away = waiting.map(({ agent }) => agent.identity.id);
  return { isSomebodyHere: waiting.some(isHere), isSomebodyLeft: all.length > 0, away };
}

function forward(rollout: Rollout, around: Surroundings, now: Instant): RolloutEvent | undefined {
  if (rollout.stages.length === 0) return withoutPlan(rollout);
  const room = Math.min(around.room, around.familyRoom);
  const agents = room > 0 ? admissible(rollout, around.waiting(), room, now) : [];
  if (agents.length > 0) return { type: 'admitted', agents };
  if (inFlight(rollout) > 0) return stalled(rollout, around, now);
  const { isSomebodyHere, isSomebodyLeft, away } = divide(rollout, around, now);
  // They are waited for, but not for ever: one that never tells its state must not hold up the others.
  if (isSomebodyHere && (room === 0 || !isOverdue(rollout, around, now))) return undefined;
  if (rollout.watchedUntil !== null) return watched(rollout, around, now, passed(rollout));
  if (around.isReturning()) return undefined;
  // Whoever was to go first is away: wait for somebody (docs/adr/0005).
  const isUntold = rollout.counts.proven === 0 && outcomeOf(rollout).all === 0;
  return isUntold && isSomebodyLeft ? stalled(rollout, around, now) : stageDone(rollout, away);
}

/** What was proven when the soak began may have failed since: the stage is judged at its end as well (A.5). */
function passed(rollout: Rollout): RolloutEvent {
  const judged = stageDone(rollout, []);
  return judged.type === 'paused' ? judged : { type: 'advanced' };
}

/** A group with nobody in it takes any revision; one whose agents are all left out takes none unproven (I11). */
function withoutPlan({ counts: { skipped } }: Rollout): RolloutEvent {
  if (skipped === 0) return { type: 'succeeded' };
  return paused('nothing-proven', `all ${skipped} agents of the group are left out: none can prove it`);
}

const isOverdue = ({ lastProgress, strategy }: Rollout, around: Surroundings, now: Instant): boolean =>
  hasPassed(strategy.progressDeadline, lastProgress, around, now);

function stalled(rollout: Rollout, around: Surroundings, now: Instant): RolloutEvent | undefined {
  if (!isOverdue(rollout, around, now)) return undefined;
  const { stages, stage, strategy } = rollout;
  const seconds = Math.round(strategy.progressDeadline / 1_000);
  return paused('no-progress', `stage ${stages[stage]?.name} has got no further for ${seconds} s`);
}

/** How the targets of the open stage came out. */
function outcomeOf({ targets, stage }: Rollout) {
  const of = { proven: 0, failed: 0, inconclusive: 0 };
  for (const target of targets.values()) {
    if (target.stage !== stage) continue;
    if (hasFailed(target)) of.failed += 1;
    else if (target.state === 'proven' || target.state === 'inconclusive') of[target.state] += 1;
  }
  return { ...of, all: of.proven + of.failed + of.inconclusive };
}

/** Everybody of the stage who can be reached has an outcome: does it pass (A.5, wave rule)? */
function stageDone(rollout: Rollout, away: readonly AgentId[]): RolloutEvent {
  const { stages, stage, waived, counts } = rollout;
  const { name } = stages[stage] ?? {};
  const { proven, failed, inconclusive, all } = outcomeOf(rollout);
  const { threshold, maxDeferred } = boundsNow(rollout);
  const isEmpty = all === 0 && counts.proven > 0;
  if (proven === 0 && !isEmpty)
    return paused('nothing-proven', `stage ${name}: no agent is proven, ${failed} failed, ${inconclusive} unclear`);
  if (100 * proven < threshold * all && waived.threshold !== stage) {
    const rest = `${failed} failed, ${inconclusive} could not be told`;
    return paused('threshold', `stage ${name}: ${proven} of ${all} proven (${rest}); ${threshold} % are asked`);
  }
  if (isEmpty && away.length === 0 && waived.threshold !== stage && isAnybodyMissing(rollout))
    return paused('threshold', `stage ${name}: none of its ${stages[stage]?.planned} agents is left to prove it`);
  const deferred = counts.deferred + away.length;
  if (away.length > 0 && deferred > maxDeferred && waived.deferred !== stage)
    return paused('deferred', `${deferred} agents could not be reached; ${maxDeferred} may be left for later`);
  return { type: 'soaking', deferred: away };
}

/** Whether fewer had their turn, or were left for later, than were planned in the stages until now. */
function isAnybodyMissing({ stages, stage, counts }: Rollout): boolean {
  const planned = stages.slice(0, stage + 1).reduce((sum, one) => sum + one.planned, 0);
  return counts.proven + failedSoFar({ counts }) + counts.inconclusive + counts.deferred < planned;
}

/** Everybody was watched for long enough; who was asked once more, or is on its way back, is waited for. */
function baked(rollout: Rollout, around: Surroundings, now: Instant): RolloutEvent | undefined {
  const { proven, reverting } = rollout.counts;
  const failed = failedSoFar(rollout);
  const ends: RolloutEvent =
    proven > 0 ? { type: 'succeeded' } : paused('nothing-proven', `no agent is proven any more, ${failed} failed`);
  return inFlight(rollout) + reverting > 0 ? undefined : watched(rollout, around, now, ends);
}

// ---- Back.

/** Who failed goes back while the others go on (A.4). */
function failedBack(rollout: Rollout, around: Surroundings, now: Instant): RolloutEvent | undefined {
  const agents = failedReverts(rollout, around);
  return agents.length > 0 ? { type: 'reverting', agents } : givenUp(rollout, around, now);
}

function backward(rollout: Rollout, around: Surroundings, now: Instant): RolloutEvent | undefined {
  const agents = nextReverts(rollout, around);
  if (agents.length > 0) return { type: 'reverting', agents };
  if (rollout.counts.reverting > 0) return givenUp(rollout, around, now);
  return exposed(rollout) === 0 ? { type: 'rolled-back' } : undefined;
}

/** Who has not confirmed its way back in time. */
function givenUp(rollout: Rollout, around: Surroundings, now: Instant): RolloutEvent | undefined {
  const { counts, targets, strategy } = rollout;
  if (counts.reverting === 0) return undefined;
  const isLate = ({ state, at }: Target) => state === 'reverting' && hasPassed(strategy.revertTimeout, at, around, now);
  const message = 'not confirmed in time';
  const late = targets.values().filter(isLate);
  return observed(late.map(({ agent, reason }) => ({ agent, state: 'revert-unconfirmed', reason, message })));
}
