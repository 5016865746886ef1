/**
 * The rollout as a machine: `(rollout, event, now) -> rollout`. Pure. Its log is the list of events, and
 * folding the log gives the rollout again (I15). SPEC.md beside this file holds the table in words and the invariants.
 */
import type { AgentId } from '../agents/agent.ts';
import type { Instant } from '../time.ts';
import type {
  PauseReason,
  Rollout,
  RolloutEvent,
  RolloutHeader,
  RolloutState,
  Target,
  TargetState,
} from './rollout.ts';
import { freeOwnSlots, freeSlots, isOver, mayBeAdmitted, OPEN, TARGET_STATES } from './rollout.ts';
import { Targets } from './targets.ts';

type Event<Type> = Extract<RolloutEvent, { readonly type: Type }>;
type LaterType = Exclude<RolloutEvent['type'], 'started'>;
type Handler<Type> = (rollout: Rollout, event: Event<Type>, now: Instant) => Rollout;

/** What becomes of a target; `late` stays as it is where it is not said. */
type Change = Omit<Target, 'late' | 'at'> & { readonly late?: boolean };

/**
 * Whether a target may change: a failure stands (I4), and what was proven can only fail afterwards. An agent that has to
 * be sent the revision again after its state was lost has had its turn; it takes no place from another. Who was deferred
 * or skipped comes back by admission alone (I1).
 */
const mayBecome = (before: TargetState | undefined, next: TargetState): boolean => {
  if (before === 'failed') return false;
  if (before === 'proven') return next === 'failed';
  if (before === 'deferred' || before === 'skipped') return next === 'offered';
  return true;
};

/** Applies target changes, of one agent in their order. */
function withTargets(rollout: Rollout, changes: readonly Change[], now: Instant): Rollout {
  const counts = { ...rollout.counts };
  const changed = new Map<AgentId, Target>();
  for (const change of changes) {
    const { agent, state } = change;
    const before = changed.get(agent) ?? rollout.targets.get(agent);
    if (!mayBecome(before?.state, state)) continue;
    if (before !== undefined) counts[before.state] -= 1;
    counts[state] += 1;
    changed.set(agent, { late: before?.late ?? false, ...change, at: now });
  }
  if (changed.size === 0) return rollout;
  return { ...rollout, targets: rollout.targets.with([...changed.values()]), counts };
}

const admit: Handler<'admitted'> = (rollout, event, now) => {
  const ids = new Set(event.agents.map(({ agent }) => agent));
  const wrong = [...ids].find((agent) => !mayBeAdmitted(rollout, agent));
  if (wrong !== undefined || ids.size < event.agents.length)
    throw new RangeError(`rollout ${rollout.id}: agent ${wrong ?? 'named twice'} was admitted before`);
  const places = freeSlots(rollout) + rollout.carried.intersection(ids).size;
  if (ids.size > Math.min(places, freeOwnSlots(rollout)))
    throw new RangeError(
      `rollout ${rollout.id}: ${ids.size} admissions exceed maxInFlight ${rollout.maxInFlight} (I1)`,
    );
  const offered = { state: 'offered', reason: null, message: '' } as const;
  const changes = event.agents.map(({ agent, late }) => ({ agent, late, ...offered }));
  return { ...withTargets(rollout, changes, now), carried: rollout.carried.difference(ids) };
};

/** How targets get on; who is carried over from a superseded rollout only gives its place back, with any outcome. */
const observe: Handler<'observed'> = (rollout, { changes }, now) => {
  const { targets, carried } = rollout;
  const own = changes.filter(({ agent }) => targets.has(agent) && !carried.has(agent));
  const done = changes.filter(({ state }) => !OPEN.has(state)).map(({ agent }) => agent);
  return { ...withTargets(rollout, own, now), carried: carried.difference(new Set(done)) };
};

const pause = (rollout: Rollout, reason: PauseReason, message: string): Rollout => ({
  ...rollout,
  state: 'paused',
  pause: { reason, message },
});

const observeRunning: Handler<'observed'> = (before, event, now) => {
  const rollout = observe(before, event, now);
  const { counts, maxFailed, planned } = rollout;
  if (counts.failed <= maxFailed) return rollout;
  return pause(rollout, 'failures', `${counts.failed} of ${planned} agents failed; ${maxFailed} were allowed`);
};

/** Everybody who could be reached has an outcome: proof makes it a success, no proof is no pass (I11). */
const finish: Handler<'exhausted'> = (rollout, event, now) => {
  if (!isOver(rollout, event.deferred.length)) return rollout;
  const why = rollout.counts.proven > 0 ? undefined : whyUnproven(rollout);
  if (why !== undefined) return pause(rollout, 'nothing-proven', why);
  const deferred = { state: 'deferred', reason: 'offline', message: '' } as const;
  const changes = event.deferred.map((agent) => ({ agent, ...deferred }));
  return { ...withTargets(rollout, changes, now), state: 'succeeded', endedAt: now };
};

/** An empty group is the one thing that needs no proof. */
function whyUnproven({ planned, counts: { failed, skipped } }: Rollout): string | undefined {
  if (failed > 0) return `no agent is proven, ${failed} failed`;
  if (planned > 0) return 'no agent is left in the group that could prove it';
  if (skipped > 0) return `all ${skipped} agents of the group are left out: none can prove it`;
  return undefined;
}

const supersede: Handler<'superseded'> = (rollout, event, now) => ({
  ...rollout,
  state: 'superseded',
  supersededBy: event.by,
  endedAt: now,
});

const ignore = (rollout: Rollout): Rollout => rollout;
const refuse = (rollout: Rollout, event: RolloutEvent): never => {
  throw new RangeError(`rollout ${rollout.id} is ${rollout.state}: ${event.type} cannot happen`);
};

/** Every state with every event. Nothing can be forgotten: the record is complete by its type. */
export const TRANSITIONS: Readonly<Record<RolloutState, { readonly [Type in LaterType]: Handler<Type> }>> = {
  running: { admitted: admit, observed: observeRunning, exhausted: finish, superseded: supersede },
  paused: { admitted: refuse, observed: observe, exhausted: ignore, superseded: supersede },
  succeeded: { admitted: refuse, observed: ignore, exhausted: ignore, superseded: refuse },
  superseded: { admitted: refuse, observed: ignore, exhausted: ignore, superseded: refuse },
};

function begin({ carried, skipped, ...header }: RolloutHeader, now: Instant): Rollout {
  const counts = Object.fromEntries(TARGET_STATES.map((state) => [state, 0])) as Record<TargetState, number>;
  const empty: Rollout = {
    ...header,
    createdAt: now,
    endedAt: null,
    state: 'running',
    pause: null,
    supersededBy: null,
    targets: new Targets(),
    counts,
    carried: new Set(carried),
    version: 0,
  };
  return withTargets(empty, skipped, now);
}

/** Folds one event. @throws RangeError when the event cannot happen: a bug of ours, never a user's. */
export function step(before: Rollout | null, event: RolloutEvent, now: Instant): Rollout {
  const rollout = next(before, event, now);
  return { ...rollout, version: rollout.version + 1 };
}

function next(rollout: Rollout | null, event: RolloutEvent, now: Instant): Rollout {
  if (event.type === 'started') return rollout === null ? begin(event.header, now) : refuse(rollout, event);
  if (rollout === null) throw new RangeError(`${event.type} before the start of a rollout`);
  const handler = TRANSITIONS[rollout.state][event.type] as Handler<LaterType>;
  return handler(rollout, event, now);
}

/** The rollout as its log tells it (I15). */
export function fold(log: Iterable<{ readonly event: RolloutEvent; readonly at: Instant }>): Rollout | null {
  let rollout: Rollout | null = null;
  for (const { event, at } of log) rollout = step(rollout, event, at);
  return rollout;
}
