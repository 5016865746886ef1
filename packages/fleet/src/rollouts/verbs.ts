/** What people may ask of a rollout, as the event that it makes; a word twice is no event. */
import { FleetError } from '../errors.ts';
import {
  boundsNow,
  canGoBack,
  exposed,
  freeSlots,
  mayBeRetried,
  type Rollout,
  type RolloutEvent,
  TERMINAL,
  withoutWayBack,
} from './rollout.ts';

export type Verb =
  | { readonly verb: 'pause'; readonly message: string }
  | { readonly verb: 'resume' }
  | { readonly verb: 'promote' }
  /** `atOnce` lifts the bound on the agents that look healthy. */
  | { readonly verb: 'rollback'; readonly message: string; readonly atOnce: boolean }
  | { readonly verb: 'stop'; readonly message: string; readonly leaveMixed: boolean }
  | { readonly verb: 'retry'; readonly agents: readonly string[] };

/** Undefined when it is so already. @throws FleetError `conflict` that says why it cannot be, and what can. */
export function eventOf(rollout: Rollout, asked: Verb): RolloutEvent | undefined {
  const { id, state } = rollout;
  if (TERMINAL.has(state)) throw new FleetError('conflict', `rollout ${id} has ended (${state})`);
  switch (asked.verb) {
    case 'pause':
      if (state === 'rolling-back')
        throw new FleetError('conflict', `rollout ${id} is being taken back; that is not paused`);
      return state === 'paused' ? undefined : { type: 'paused', reason: 'operator', message: asked.message };
    case 'resume':
      return resume(rollout);
    case 'promote':
      return promote(rollout);
    case 'rollback':
      return rollback(rollout, asked);
    case 'stop':
      return stop(rollout, asked);
    case 'retry':
      return retry(rollout, asked.agents);
  }
}

function resume({ id, state, pause }: Rollout): RolloutEvent | undefined {
  if (state === 'rolling-back')
    throw new FleetError('conflict', `rollout ${id} is being taken back; start another one`);
  if (state !== 'paused') return undefined;
  if (pause?.reason !== 'gate') return { type: 'resumed' };
  throw new FleetError('conflict', `rollout ${id} waits at a gate: flaghoist rollout promote ${id} opens it`);
}

function promote({ id, state, pause, watchedUntil }: Rollout): RolloutEvent {
  if (state === 'paused' && pause?.reason === 'gate') return { type: 'promoted' };
  if ((state === 'running' && watchedUntil !== null) || state === 'baking') return { type: 'promoted' };
  const why = {
    running: 'its stage has agents left that must prove the revision; only a soak, a gate or the bake can be skipped',
    paused: `it is paused (${pause?.reason}): flaghoist rollout resume ${id} lets it go on`,
    'rolling-back': 'it is being taken back',
  }[state as 'running' | 'paused' | 'rolling-back'];
  throw new FleetError('conflict', `rollout ${id} cannot be promoted: ${why}`);
}

function rollback(rollout: Rollout, { message, atOnce }: { message: string; atOnce: boolean }) {
  const { id, state, rollback } = rollout;
  if (state === 'rolling-back') return atOnce && rollback?.bounded ? ({ type: 'hurried' } as const) : undefined;
  if (canGoBack(rollout)) return { type: 'rollback-started', message } as const;
  const instead = `fix it with a new revision (rollout start --supersede), or flaghoist rollout stop ${id} --leave-mixed`;
  throw new FleetError('conflict', `rollout ${id} cannot be taken back: ${withoutWayBack(rollout)}; ${instead}`);
}

function stop(rollout: Rollout, { message, leaveMixed }: { message: string; leaveMixed: boolean }): RolloutEvent {
  const { id, state, targets } = rollout;
  if (state === 'rolling-back') throw new FleetError('conflict', `rollout ${id} is being taken back; let it end`);
  const { counts } = rollout;
  const have = exposed(rollout) + counts.reverting + counts['revert-unconfirmed'];
  if (have === 0 || leaveMixed) return { type: 'stopped', message };
  throw new FleetError(
    'conflict',
    `${have} of ${targets.size} agents that had their turn have the new revision: flaghoist rollout rollback ${id} takes ` +
      'them back, stop --leave-mixed leaves them with it and the others without',
  );
}

function retry(rollout: Rollout, asked: readonly string[]): RolloutEvent | undefined {
  const agents = [...new Set(asked)];
  const { id, state, targets } = rollout;
  if (state === 'rolling-back') throw new FleetError('conflict', `rollout ${id} is being taken back`);
  const not = agents.find((agent) => !mayBeRetried(targets.get(agent)));
  if (not !== undefined)
    throw new FleetError('conflict', `agent ${not} has not failed in rollout ${id}: nothing to retry`);
  const free = freeSlots(rollout);
  if (agents.length > free)
    throw new FleetError(
      'conflict',
      `${agents.length} to retry, and ${free} of ${boundsNow(rollout).maxInFlight} places are free (I1): while others wait for their turn ` +
        `each is taken at once; flaghoist rollout pause ${id}, and retry when those in flight are done`,
    );
  return agents.length === 0 ? undefined : { type: 'retried', agents };
}
