/**
 * What happens next in a rollout: `(rollout, surroundings, now) -> event`. Pure and level-triggered: it looks at what is,
 * not at what came, so that asking again, after a crash or by another engine, gives the same answer. The event is the
 * decision, and stands in the log with its reason.
 */
import type { Agent, AgentId } from '../agents/agent.ts';
import type { Instant } from '../time.ts';
import { type Degraded, isAlike } from './control-group.ts';
import { admissible, type Placed } from './plan.ts';
import { nextReverts } from './revert.ts';
import type { PauseReason, Rollout, RolloutEvent } from './rollout.ts';
import { boundsNow, exposed, inFlight, isCanary } from './rollout.ts';

/** What a rollout must know of the world beside itself. What costs something is asked for only when it matters. */
export interface Surroundings {
  /** Those without a turn, of the open stage and those before it, in their order. */
  readonly waiting: () => Iterable<Placed>;
  /** Any agent that there is. */
  readonly member: (agent: AgentId) => Agent | undefined;
  /** How the untouched agents of the group get on (A.5). */
  readonly control: () => Degraded;
  /** Hashes that were condemned for the group (I9). */
  readonly condemned: ReadonlySet<string>;
  /** Agents still get time to come back after our own start: nobody counts as away, nothing passes (I10). */
  readonly isReturning: () => boolean;
  /** How many may be admitted in this turn, and over all rollouts of one push to several groups. */
  readonly room: number;
  /** A sibling in such a push that was stopped by what it met. */
  readonly trippedSibling: string | null;
}

/** The next event, or undefined while nothing is to be done. */
export function decide(rollout: Rollout, around: Surroundings, now: Instant): RolloutEvent | undefined {
  switch (rollout.state) {
    case 'running':
      return tripped(rollout, around) ?? forward(rollout, around, now);
    case 'baking':
      return tripped(rollout, around) ?? (isWatched(rollout, around, now) ? undefined : { type: 'succeeded' });
    case 'rolling-back':
      return backward(rollout, around, now);
    default:
      return undefined;
  }
}

const paused = (reason: PauseReason, message: string): RolloutEvent => ({ type: 'paused', reason, message });

const isWatched = ({ watchedUntil }: Rollout, { isReturning }: Surroundings, now: Instant): boolean =>
  watchedUntil === null || now < watchedUntil || isReturning();

// ---- What goes wrong.

/** A budget that is exceeded, not merely met (I4). */
function tripped(rollout: Rollout, around: Surroundings): RolloutEvent | undefined {
  const { spent, waived, planned } = rollout;
  const { maxFailed, maxLost } = boundsNow(rollout);
  // In the canary who vanishes has failed: a host that is gone after an offer may be gone because of it.
  const failed = maxLost === null ? spent.failed + spent.lost : spent.failed;
  if (failed > Math.max(maxFailed, waived.failed)) {
    const message = `${failed} of ${planned} agents failed; ${maxFailed} may`;
    return environment(rollout, around, message) ?? failure(rollout, message);
  }
  if (maxLost !== null && spent.lost > Math.max(maxLost, waived.lost)) {
    const message = `${spent.lost} of ${planned} agents vanished after the offer; ${maxLost} may`;
    return environment(rollout, around, message) ?? paused('lost', message);
  }
  const { trippedSibling } = around;
  return trippedSibling === null || waived.sibling
    ? undefined
    : paused('sibling', `rollout ${trippedSibling} of the same push has stopped`);
}

/** Health and contact are lost elsewhere as well: no reason to take back what may be good. Never where an agent said no. */
function environment(rollout: Rollout, { control }: Surroundings, message: string): RolloutEvent | undefined {
  const { failed, unwell, lost } = rollout.spent;
  if (failed > unwell) return undefined;
  const untouched = control();
  if (!isAlike({ bad: unwell + lost, all: exposed(rollout) }, untouched)) return undefined;
  const others = `of ${untouched.all} agents that were not touched ${untouched.bad} lost health or contact as well`;
  return paused('environment', `${message}; ${others}`);
}

function failure({ from, strategy }: Rollout, message: string): RolloutEvent {
  if (strategy.onFailure === 'pause') return paused('failures', message);
  if (from === null) return paused('no-rollback-target', `${message}; the group has no earlier revision to go back to`);
  return { type: 'rollback-started', message };
}

// ---- Forward.

/** What to do with who waits: `busy` have something else under way or are not known yet, and are waited for. */
function divide(around: Surroundings) {
  const waiting = [...around.waiting()];
  const isHere = ({ presence }: Placed) => presence.connected || (presence.lastSeen === null && around.isReturning());
  return {
    here: waiting.some(isHere),
    away: waiting.filter((one) => !isHere(one)).map(({ agent }) => agent.identity.id),
  };
}

function forward(rollout: Rollout, around: Surroundings, now: Instant): RolloutEvent | undefined {
  if (rollout.stages.length === 0) return withoutPlan(rollout);
  const agents = around.room > 0 ? admissible(rollout, around.waiting(), around.room) : [];
  if (agents.length > 0) return { type: 'admitted', agents };
  if (inFlight(rollout) > 0) return stalled(rollout, around, now);
  const { here, away } = divide(around);
  if (here) return stalled(rollout, around, now);
  if (rollout.watchedUntil !== null) return isWatched(rollout, around, now) ? undefined : { type: 'advanced' };
  return around.isReturning() ? undefined : stageDone(rollout, around, away, now);
}

/** A group with nobody in it takes any revision; one whose agents are all left out takes none unproven (I11). */
function withoutPlan({ counts: { skipped } }: Rollout): RolloutEvent {
  if (skipped === 0) return { type: 'succeeded' };
  return paused('nothing-proven', `all ${skipped} agents of the group are left out: none can prove it`);
}

function stalled({ lastProgress, strategy, stages, stage }: Rollout, { isReturning }: Surroundings, now: Instant) {
  const { progressDeadline } = strategy;
  if (now - lastProgress < progressDeadline || isReturning()) return undefined;
  const { name } = stages[stage] ?? {};
  return paused('no-progress', `stage ${name} has got no further for ${Math.round(progressDeadline / 1_000)} s`);
}

/** How the targets of the open stage came out. */
function outcomeOf({ targets, stage }: Rollout) {
  const of = { proven: 0, failed: 0, inconclusive: 0 };
  for (const target of targets.values()) {
    if (target.stage === stage && target.state in of) of[target.state as keyof typeof of] += 1;
  }
  return { ...of, all: of.proven + of.failed + of.inconclusive };
}

/** Everybody of the stage who can be reached has an outcome: does it pass (A.5, wave rule)? */
function stageDone(
  rollout: Rollout,
  around: Surroundings,
  away: readonly AgentId[],
  now: Instant,
): RolloutEvent | undefined {
  const { stages, stage, waived, counts } = rollout;
  const { name } = stages[stage] ?? {};
  const { proven, failed, inconclusive, all } = outcomeOf(rollout);
  const { threshold, maxDeferred } = boundsNow(rollout);
  // Whoever was to go first is away: wait for somebody (docs/adr/0005).
  if (all === 0 && away.length > 0) return stalled(rollout, around, now);
  if (all === 0 && !isCanary(rollout) && counts.proven > 0) return { type: 'soaking', deferred: [] };
  if (proven === 0) return paused('nothing-proven', `stage ${name}: no agent is proven, ${failed} failed`);
  if ((100 * proven) / all < threshold && waived.threshold !== stage) {
    const rest = `${failed} failed, ${inconclusive} could not be told`;
    return paused('threshold', `stage ${name}: ${proven} of ${all} proven (${rest}); ${threshold} % are asked`);
  }
  const deferred = counts.deferred + away.length;
  if (deferred > Math.max(maxDeferred, waived.deferred))
    return paused('deferred', `${deferred} agents could not be reached; ${maxDeferred} may be left for later`);
  return { type: 'soaking', deferred: away };
}

// ---- Back.

function backward(rollout: Rollout, around: Surroundings, now: Instant): RolloutEvent | undefined {
  const agents = nextReverts(rollout, around);
  if (agents.length > 0) return { type: 'reverting', agents };
  const isBack = rollout.counts.reverting === 0 && exposed(rollout) === 0;
  const isDue = rollout.rollback !== null && now >= rollout.rollback.deadline && !around.isReturning();
  return isBack || isDue ? { type: 'rolled-back' } : undefined;
}
