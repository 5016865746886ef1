/**
 * The rollout as a machine: `(rollout, event, now) -> rollout`. Pure. Its log is the list of events, and
 * folding the log gives the rollout again (I15). What happens next is decided in `decide.ts`. SPEC.md beside this file
 * holds the table in words and the invariants.
 */
import type { Instant } from '../time.ts';
import { isGated } from './gates.ts';
import type { PauseReason, Rollout, RolloutEvent, RolloutHeader, RolloutState, TargetState } from './rollout.ts';
import {
  boundsNow,
  everExposed,
  freeOwnSlots,
  freeSlots,
  isCanary,
  mayBeAdmitted,
  mayBeRetried,
  OPEN,
  TARGET_STATES,
} from './rollout.ts';
import { type Change, withTargets } from './target-changes.ts';
import { Targets } from './targets.ts';

type Event<Type> = Extract<RolloutEvent, { readonly type: Type }>;
type LaterType = Exclude<RolloutEvent['type'], 'started'>;
type Handler<Type> = (rollout: Rollout, event: Event<Type>, now: Instant) => Rollout;

const OFFERED = { state: 'offered', reason: null, message: '' } as const;

const admit: Handler<'admitted'> = (rollout, event, now) => {
  const ids = new Set(event.agents.map(({ agent }) => agent));
  const wrong = [...ids].find((agent) => !mayBeAdmitted(rollout, agent));
  if (wrong !== undefined || ids.size < event.agents.length)
    throw new RangeError(`rollout ${rollout.id}: agent ${wrong ?? 'named twice'} was admitted before`);
  const places = freeSlots(rollout) + rollout.carried.intersection(ids).size;
  if (!event.found && ids.size > Math.min(places, freeOwnSlots(rollout)))
    throw new RangeError(
      `rollout ${rollout.id}: ${ids.size} admissions exceed maxInFlight ${boundsNow(rollout).maxInFlight} (I1)`,
    );
  const { stage } = rollout;
  const changes = event.agents.map(({ agent, late }) => ({ agent, late, stage, ...OFFERED }));
  // A watch that is broken off was progress until now.
  const lastProgress = rollout.watchedUntil === null ? rollout.lastProgress : now;
  const admitted = withTargets({ ...rollout, watchedUntil: null, lastProgress }, changes, now, true);
  return { ...admitted, carried: rollout.carried.difference(ids) };
};

/** Whoever has it already has its place, whatever the bound. */
const admitFound: Handler<'admitted'> = (rollout, event, now) =>
  event.found ? admit(rollout, event, now) : refuse(rollout, event);

/** A person has failed agents asked once more: a place each, and the failures stay counted (I4, I5). */
const retry: Handler<'retried'> = (rollout, { agents }, now) => {
  const wrong = agents.find((agent) => !mayBeRetried(rollout.targets.get(agent)));
  if (wrong !== undefined) throw new RangeError(`rollout ${rollout.id}: agent ${wrong} has not failed`);
  if (agents.length > freeSlots(rollout))
    throw new RangeError(`rollout ${rollout.id}: ${agents.length} retries exceed the places (I1)`);
  const changes = agents.map((agent) => ({ agent, ...OFFERED }));
  const watchedUntil = isBaking(rollout) ? rollout.watchedUntil : null;
  return withTargets({ ...rollout, watchedUntil, lastProgress: now }, changes, now, true);
};

/** How targets get on; who is carried over from a superseded rollout only gives its place back, with any outcome. */
const observe: Handler<'observed'> = (rollout, { changes }, now) => {
  const { targets, carried } = rollout;
  const own = changes.filter(({ agent }) => targets.has(agent) && !carried.has(agent));
  const done = changes.filter(({ state }) => !OPEN.has(state)).map(({ agent }) => agent);
  const observed = withTargets(rollout, own, now);
  return done.length === 0 ? observed : { ...observed, carried: carried.difference(new Set(done)) };
};

/** Behind the last stage; a plan of nobody has none. */
const isBaking = ({ stage, stages }: Rollout): boolean => stage > 0 && stage >= stages.length;

const soak: Handler<'soaking'> = (before, { deferred }, now) => {
  const away = deferred.map((agent) => ({ agent, state: 'deferred', reason: 'offline', message: '' }) as const);
  const rollout = withTargets(before, away, now);
  const { soak } = rollout.strategy;
  return { ...rollout, watchedUntil: now + (isCanary(rollout) ? soak.canary : soak.stage), lastProgress: now };
};

const pause: Handler<'paused'> = (rollout, { reason, message }) => ({
  ...rollout,
  state: 'paused',
  pause: { reason, message },
});

const advance: Handler<'advanced'> = (rollout, _event, now) => {
  const next = { ...rollout, stage: rollout.stage + 1, watchedUntil: null, lastProgress: now };
  if (!isGated(rollout)) return goOn(next, now);
  const following = next.stages[next.stage];
  const many = following?.planned === 1 ? ['agent', 'is'] : ['agents', 'are'];
  const what = following ? `${following.planned} ${many[0]} of stage ${following.name} ${many[1]}` : 'the bake is';
  const message = `${rollout.stages[rollout.stage]?.name} has passed; ${what} next`;
  return { ...next, state: 'paused', pause: { reason: 'gate', message } };
};

/** A bake that has not begun begins. */
function goOn(rollout: Rollout, now: Instant): Rollout {
  const begun = { ...rollout, pause: null, lastProgress: now };
  if (!isBaking(rollout)) return { ...begun, state: 'running' };
  return { ...begun, state: 'baking', watchedUntil: rollout.watchedUntil ?? now + rollout.strategy.bake };
}

type Waived = Rollout['waived'];

/** Both budgets: in the canary they are one. */
const failures = ({ spent: { failed, lost } }: Rollout): Partial<Waived> => ({ failed, lost });

const WAIVES: Partial<Record<PauseReason, (rollout: Rollout) => Partial<Waived>>> = {
  failures,
  lost: failures,
  environment: failures,
  'no-rollback-target': failures,
  deferred: ({ stage }) => ({ deferred: stage }),
  threshold: ({ stage }) => ({ threshold: stage }),
  sibling: () => ({ sibling: true }),
};

/** What stood in the way is accepted as far as it has come, by the person who resumes. */
const resume: Handler<'resumed'> = (rollout, _event, now) => {
  const { pause, waived } = rollout;
  const more = pause && WAIVES[pause.reason]?.(rollout);
  return goOn({ ...rollout, waived: { ...waived, ...more } }, now);
};

const promotePaused: Handler<'promoted'> = (rollout, _event, now) => goOn(rollout, now);
/** The next stage begins, by a person's word: that passes the gate behind this one as well. */
const promoteRunning: Handler<'promoted'> = (rollout, _event, now) => {
  const next = advance(rollout, { type: 'advanced' }, now);
  return next.pause?.reason === 'gate' ? goOn(next, now) : next;
};
const promoteBaking: Handler<'promoted'> = (rollout, _event, now) => ({ ...rollout, watchedUntil: now });

const end = (rollout: Rollout, state: RolloutState, now: Instant): Rollout => ({
  ...rollout,
  state,
  watchedUntil: null,
  endedAt: now,
});

const startRollback: Handler<'rollback-started'> = (rollout, { message }, now) => ({
  ...rollout,
  state: 'rolling-back',
  pause: null,
  watchedUntil: null,
  rollback: { message, deadline: now + rollout.strategy.revertTimeout, bounded: true },
  lastProgress: now,
});

const revert: Handler<'reverting'> = (rollout, { agents }, now) => {
  const becomes = (reason: Event<'reverting'>['agents'][number]['reason']): TargetState => {
    if (reason === null) return 'reverting';
    if (reason === 'not-sent') return 'deferred';
    return reason === 'no-last-good' ? 'revert-unconfirmed' : 'skipped';
  };
  const changes = agents.map(({ agent, reason }): Change => {
    const { message = '', reason: before = null } = rollout.targets.get(agent) ?? {};
    return { agent, state: becomes(reason), reason: reason ?? before, message };
  });
  const deadline = now + rollout.strategy.revertTimeout;
  return withTargets(
    { ...rollout, rollback: rollout.rollback && { ...rollout.rollback, deadline } },
    changes,
    now,
    true,
  );
};

const hurry: Handler<'hurried'> = (rollout) =>
  rollout.rollback === null ? rollout : { ...rollout, rollback: { ...rollout.rollback, bounded: false } };

/** Who has not confirmed is listed; the pull law keeps offering it what it should go back to. */
const finishRollback: Handler<'rolled-back'> = (rollout, _event, now) =>
  end(rollout, rollout.counts['revert-unconfirmed'] > 0 ? 'rolled-back-partial' : 'rolled-back', now);

const succeed: Handler<'succeeded'> = (rollout, _event, now) => end(rollout, 'succeeded', now);
/** Who was not sent it keeps what it runs. */
const stop: Handler<'stopped'> = (rollout, { message }, now) => {
  const state = everExposed(rollout) > 0 ? 'stopped-mixed' : 'cancelled';
  return { ...end(rollout, state, now), pause: { reason: 'operator', message } };
};
const supersede: Handler<'superseded'> = (rollout, { by }, now) => ({
  ...end(rollout, 'superseded', now),
  supersededBy: by,
});

const ignore = (rollout: Rollout): Rollout => rollout;
const refuse = (rollout: Rollout, { type }: RolloutEvent): never => {
  throw new RangeError(`rollout ${rollout.id} is ${rollout.state}: ${type} cannot happen`);
};

/** The handler of each later event; nothing can be forgotten, the record is complete by its type. */
type Row = { readonly [Type in LaterType]: Handler<Type> };

const NOTHING: Row = {
  admitted: refuse,
  observed: ignore,
  soaking: refuse,
  advanced: refuse,
  paused: refuse,
  resumed: refuse,
  promoted: refuse,
  succeeded: refuse,
  'rollback-started': refuse,
  reverting: refuse,
  hurried: refuse,
  'rolled-back': refuse,
  stopped: refuse,
  retried: refuse,
  superseded: refuse,
};

/** What every active rollout answers alike. */
const ACTIVE: Row = { ...NOTHING, observed: observe, superseded: supersede };
const FORWARD: Row = { ...ACTIVE, 'rollback-started': startRollback, stopped: stop, retried: retry };

/** Every state with every event. */
export const TRANSITIONS: Readonly<Record<RolloutState, Row>> = {
  running: {
    ...FORWARD,
    admitted: admit,
    soaking: soak,
    advanced: advance,
    paused: pause,
    promoted: promoteRunning,
    reverting: revert,
    succeeded: succeed,
  },
  // At a gate what passed may still fail: that stands in the gate's place.
  paused: { ...FORWARD, admitted: admitFound, paused: pause, resumed: resume, promoted: promotePaused },
  baking: { ...FORWARD, paused: pause, promoted: promoteBaking, reverting: revert, succeeded: succeed },
  'rolling-back': { ...ACTIVE, reverting: revert, hurried: hurry, 'rolled-back': finishRollback },
  succeeded: NOTHING,
  'rolled-back': NOTHING,
  'rolled-back-partial': NOTHING,
  'stopped-mixed': NOTHING,
  cancelled: NOTHING,
  superseded: NOTHING,
};

function begin({ carried, skipped, ...header }: RolloutHeader, now: Instant): Rollout {
  const counts = Object.fromEntries(TARGET_STATES.map((state) => [state, 0])) as Record<TargetState, number>;
  const empty: Rollout = {
    ...header,
    createdAt: now,
    endedAt: null,
    state: 'running',
    stage: 0,
    watchedUntil: null,
    lastProgress: now,
    pause: null,
    rollback: null,
    supersededBy: null,
    spent: { failed: 0, unwell: 0, lost: 0 },
    waived: { failed: 0, lost: 0, deferred: null, threshold: null, sibling: false },
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
