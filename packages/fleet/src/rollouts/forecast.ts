/** How long a rollout takes at least, and when one that runs would end. */
import type { Instant, Millis } from '../time.ts';
import { isGated } from './gates.ts';
import { CANARY_IN_FLIGHT, inFlight, isCanary, type Rollout } from './rollout.ts';

type Course = Pick<Rollout, 'stages' | 'strategy' | 'maxInFlight'>;

/** So many agents, as many at a time as the stage allows, each taking so long. */
function work(course: Course, stage: number, agents: number, each: Millis): Millis {
  const atOnce = isCanary({ ...course, stage }) ? Math.min(course.maxInFlight, CANARY_IN_FLIGHT) : course.maxInFlight;
  return Math.ceil(agents / Math.max(1, atOnce)) * each;
}

const soakOf = (course: Course, stage: number): Millis =>
  isCanary({ ...course, stage }) ? course.strategy.soak.canary : course.strategy.soak.stage;

/** With agents that need no time of their own: healthy times, soaks and bake. Gates take as long as people take. */
export function leastDuration(course: Course): Millis {
  const { minHealthyTime } = course.strategy.terms;
  return course.stages.reduce(
    (sum, { planned }, stage) => sum + work(course, stage, planned, minHealthyTime) + soakOf(course, stage),
    course.strategy.bake,
  );
}

/** What is known of its pace. */
export interface Pace {
  /** By stage, how many agents that can be reached have had no turn. */
  readonly waiting: readonly number[];
  /** From offer to proof, of a typical agent; null while nobody is proven. */
  readonly each: Millis | null;
}

/** Null while it cannot be told: nobody is proven yet, it stands still, it goes back, or a person must open a gate first. */
export function etaOf(rollout: Rollout, { waiting, each }: Pace, now: Instant): Instant | null {
  const { state, stage: open, stages, strategy, watchedUntil } = rollout;
  if (state === 'baking') return watchedUntil;
  if (state !== 'running') return null;
  let end = now + strategy.bake;
  for (let stage = open; stage < stages.length; stage += 1) {
    if (isGated({ ...rollout, stage })) return null;
    if (stage === open && watchedUntil !== null) {
      end += Math.max(0, watchedUntil - now);
      continue;
    }
    const agents = (waiting[stage] ?? 0) + (stage === open ? inFlight(rollout) : 0);
    if (agents > 0 && each === null) return null;
    end += work(rollout, stage, agents, each ?? 0) + soakOf(rollout, stage);
  }
  return end;
}
