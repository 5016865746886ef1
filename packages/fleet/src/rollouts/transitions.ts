/**
 * The rollout as a machine: `(rollout, event, now) -> (rollout, commands)`. Pure. Its log is the list of events, and
 * folding the log gives the rollout again (I15). SPEC.md beside this file holds the table in words and the invariants.
 */
import type { AgentId } from '../agents/agent.ts';
import type { Instant } from '../time.ts';
import {
  type PauseReason,
  type Rollout,
  type RolloutState,
  TARGET_STATES,
  type Target,
  type TargetState,
} from './rollout.ts';

/** How a target got on, as the agents' ledger tells it. */
export interface Observation {
  readonly agent: AgentId;
  readonly state: Exclude<TargetState, 'offered'>;
  readonly reason: Target['reason'];
  readonly message: string;
}

export type RolloutEvent =
  | { readonly type: 'started'; readonly header: RolloutHeader }
  /** These agents may now be offered the revision (I7). */
  | {
      readonly type: 'admitted';
      readonly agents: readonly { readonly agent: AgentId; readonly late: boolean }[];
    }
  | { readonly type: 'observed'; readonly changes: readonly Observation[] }
  /** Nobody who can be reached is left to admit; `deferred` are those who could not be reached. */
  | { readonly type: 'exhausted'; readonly deferred: readonly AgentId[] }
  | { readonly type: 'superseded'; readonly by: string };

/** What a rollout is born with. Lists instead of sets, because it stands in the log as JSON. */
export type RolloutHeader = Pick<
  Rollout,
  | 'id'
  | 'group'
  | 'target'
  | 'from'
  | 'strategy'
  | 'planned'
  | 'maxInFlight'
  | 'maxFailed'
  | 'author'
  | 'message'
  | 'supersedes'
> & { readonly carried: readonly AgentId[]; readonly skipped: readonly Observation[] };

export type RolloutCommand =
  /** Give these agents the target revision. */
  | { readonly type: 'assign'; readonly agents: readonly AgentId[] }
  /** The target is the group's stable revision from now on, in the same commit. */
  | { readonly type: 'make-stable' }
  | { readonly type: 'announce'; readonly kind: 'started' | 'paused' | 'succeeded' | 'superseded' };

export interface Step {
  readonly rollout: Rollout;
  readonly commands: readonly RolloutCommand[];
}

type LaterEvent = Exclude<RolloutEvent, { type: 'started' }>;
type Handler<E> = (rollout: Rollout, event: E, now: Instant) => Step;
type Row = { readonly [K in LaterEvent['type']]: Handler<Extract<LaterEvent, { type: K }>> };

/** Targets that count against `maxInFlight` (I1). */
const OPEN: ReadonlySet<TargetState> = new Set<TargetState>(['offered', 'sent', 'applying', 'verifying']);

/** How many agents may be holding the revision, or that of a superseded rollout, without proof. */
export function inFlight(rollout: Rollout): number {
  let open = rollout.carried.size;
  for (const state of OPEN) open += rollout.counts[state];
  return open;
}

/** How many more agents may be admitted now (I1). */
export function freeSlots(rollout: Rollout): number {
  return rollout.state === 'running' ? Math.max(0, rollout.maxInFlight - inFlight(rollout)) : 0;
}

const noCounts = (): Record<TargetState, number> =>
  Object.fromEntries(TARGET_STATES.map((state) => [state, 0])) as Record<TargetState, number>;

/**
 * Whether a target may change: a failure stands (I4), and what was proven can only fail afterwards. An agent that has to
 * be sent the revision again after its state was lost has had its turn; it takes no place from another. Who was deferred
 * or skipped takes a place by admission alone (I1).
 */
const mayBecome = (before: TargetState | undefined, next: TargetState): boolean => {
  switch (before) {
    case 'failed':
      return false;
    case 'proven':
      return next === 'failed';
    case 'deferred':
    case 'skipped':
      return next === 'offered' || !OPEN.has(next);
    default:
      return true;
  }
};

/** Applies target changes in one copy of the map. */
function withTargets(rollout: Rollout, changes: readonly Target[], now: Instant): Rollout {
  if (changes.length === 0) return rollout;
  const targets = new Map(rollout.targets);
  const carried = new Set(rollout.carried);
  const counts = { ...rollout.counts };
  for (const change of changes) {
    const before = targets.get(change.agent);
    if (!mayBecome(before?.state, change.state)) continue;
    if (before !== undefined) counts[before.state] -= 1;
    counts[change.state] += 1;
    targets.set(change.agent, { ...change, at: now });
    carried.delete(change.agent);
  }
  return { ...rollout, targets, carried, counts };
}

/** Nobody twice: an agent has one turn, but for those whom the offer never reached or who were skipped. */
export const mayBeAdmitted = ({ targets }: Rollout, agent: AgentId): boolean => {
  const state = targets.get(agent)?.state;
  return state === undefined || state === 'deferred' || state === 'skipped';
};

const admit: Handler<Extract<RolloutEvent, { type: 'admitted' }>> = (rollout, event, now) => {
  const ids = new Set(event.agents.map(({ agent }) => agent));
  const wrong = [...ids].find((agent) => !mayBeAdmitted(rollout, agent));
  if (wrong !== undefined || ids.size < event.agents.length)
    throw new RangeError(`rollout ${rollout.id}: agent ${wrong ?? 'named twice'} was admitted before`);
  if (
    event.agents.length >
    freeSlots(rollout) + event.agents.filter(({ agent }) => rollout.carried.has(agent)).length
  ) {
    throw new RangeError(
      `rollout ${rollout.id}: ${event.agents.length} admissions exceed maxInFlight ${rollout.maxInFlight} (I1)`,
    );
  }
  const changes = event.agents.map(
    ({ agent, late }): Target => ({ agent, state: 'offered', late, reason: null, message: '', at: now }),
  );
  return {
    rollout: withTargets(rollout, changes, now),
    commands: [{ type: 'assign', agents: event.agents.map(({ agent }) => agent) }],
  };
};

/** Observations of agents that are targets; those carried over from a superseded rollout only free their slot. */
function observed(rollout: Rollout, changes: readonly Observation[], now: Instant): Rollout {
  const known = changes.flatMap((change): Target[] => {
    const before = rollout.targets.get(change.agent);
    return before === undefined ? [] : [{ ...before, ...change, at: now }];
  });
  const next = withTargets(rollout, known, now);
  const freed = changes.filter(({ agent, state }) => next.carried.has(agent) && !OPEN.has(state));
  if (freed.length === 0) return next;
  const carried = new Set(next.carried);
  for (const { agent } of freed) carried.delete(agent);
  return { ...next, carried };
}

function pause(rollout: Rollout, reason: PauseReason, message: string): Step {
  return {
    rollout: { ...rollout, state: 'paused', pause: { reason, message } },
    commands: [{ type: 'announce', kind: 'paused' }],
  };
}

const observeRunning: Handler<Extract<RolloutEvent, { type: 'observed' }>> = (rollout, event, now) => {
  const next = observed(rollout, event.changes, now);
  const { failed } = next.counts;
  if (failed > next.maxFailed) {
    return pause(next, 'failures', `${failed} of ${next.planned} agents failed; ${next.maxFailed} were allowed`);
  }
  return { rollout: next, commands: [] };
};

const observePaused: Handler<Extract<RolloutEvent, { type: 'observed' }>> = (rollout, event, now) => ({
  rollout: observed(rollout, event.changes, now),
  commands: [],
});

/** Everybody who could be reached has an outcome: proof makes it a success, no proof is no pass (I11). */
const finish: Handler<Extract<RolloutEvent, { type: 'exhausted' }>> = (rollout, event, now) => {
  if (inFlight(rollout) > 0) return { rollout, commands: [] };
  const { proven, failed, skipped } = rollout.counts;
  if (proven === 0) {
    if (failed > 0) return pause(rollout, 'nothing-proven', `no agent is proven, ${failed} failed`);
    // Somebody is away and may come back: wait. An empty group is the one thing that needs no proof.
    if (rollout.planned > 0 && event.deferred.length > 0) return { rollout, commands: [] };
    if (rollout.planned > 0)
      return pause(rollout, 'nothing-proven', 'no agent is left in the group that could prove it');
    if (skipped > 0)
      return pause(rollout, 'nothing-proven', `all ${skipped} agents of the group are left out: none can prove it`);
  }
  const left = event.deferred.filter((agent) => mayBeAdmitted(rollout, agent));
  const deferred = left.map(
    (agent): Target => ({
      agent,
      state: 'deferred',
      late: rollout.targets.get(agent)?.late ?? false,
      reason: 'offline',
      message: '',
      at: now,
    }),
  );
  const done = withTargets(rollout, deferred, now);
  return {
    rollout: { ...done, state: 'succeeded', endedAt: now },
    commands: [{ type: 'make-stable' }, { type: 'announce', kind: 'succeeded' }],
  };
};

const supersede: Handler<Extract<RolloutEvent, { type: 'superseded' }>> = (rollout, event, now) => ({
  rollout: { ...rollout, state: 'superseded', supersededBy: event.by, endedAt: now },
  commands: [{ type: 'announce', kind: 'superseded' }],
});

const ignore = (rollout: Rollout): Step => ({ rollout, commands: [] });
const refuse = (rollout: Rollout, event: { readonly type: string }): never => {
  throw new RangeError(`rollout ${rollout.id} is ${rollout.state}: ${event.type} cannot happen`);
};

/** Every state with every event. Nothing can be forgotten: the record is complete by its type. */
export const TRANSITIONS: Readonly<Record<RolloutState, Row>> = {
  running: { admitted: admit, observed: observeRunning, exhausted: finish, superseded: supersede },
  paused: { admitted: refuse, observed: observePaused, exhausted: ignore, superseded: supersede },
  succeeded: { admitted: refuse, observed: ignore, exhausted: ignore, superseded: refuse },
  superseded: { admitted: refuse, observed: ignore, exhausted: ignore, superseded: refuse },
};

function begin(header: RolloutHeader, now: Instant): Step {
  const { carried, skipped, ...rest } = header;
  const empty: Rollout = {
    ...rest,
    createdAt: now,
    endedAt: null,
    state: 'running',
    pause: null,
    supersededBy: null,
    targets: new Map(),
    counts: noCounts(),
    carried: new Set(carried),
    version: 1,
  };
  const targets = skipped.map((skip): Target => ({ ...skip, late: false, at: now }));
  return { rollout: withTargets(empty, targets, now), commands: [{ type: 'announce', kind: 'started' }] };
}

/** Folds one event. @throws RangeError when the event cannot happen: a bug of ours, never a user's. */
export function step(rollout: Rollout | null, event: RolloutEvent, now: Instant): Step {
  if (event.type === 'started') {
    if (rollout === null) return begin(event.header, now);
    throw new RangeError(`rollout ${rollout.id} is ${rollout.state}: started cannot happen`);
  }
  if (rollout === null) throw new RangeError(`${event.type} before the start of a rollout`);
  const handler = TRANSITIONS[rollout.state][event.type] as Handler<LaterEvent>;
  const next = handler(rollout, event, now);
  return { ...next, rollout: { ...next.rollout, version: rollout.version + 1 } };
}

/** The rollout as its log tells it (I15). */
export function fold(log: Iterable<{ readonly event: RolloutEvent; readonly at: Instant }>): Rollout | null {
  let rollout: Rollout | null = null;
  for (const { event, at } of log) rollout = step(rollout, event, at).rollout;
  return rollout;
}
