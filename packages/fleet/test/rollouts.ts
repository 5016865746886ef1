/** Rollouts in every state, and their events, for tests. */
import { createHash } from 'node:crypto';
import { decide } from '../src/rollouts/decide.ts';
import type { Digest, Rank } from '../src/rollouts/plan.ts';
import type { Observation, Rollout, RolloutEvent, RolloutHeader, RolloutState } from '../src/rollouts/rollout.ts';
import { strategyNamed } from '../src/rollouts/strategy.ts';
import type { Surroundings } from '../src/rollouts/surroundings.ts';
import { step } from '../src/rollouts/transitions.ts';
import { A, B, T0 } from './samples.ts';

export const NOW = T0 + 1_000;

export const sha256: Digest = (text) => createHash('sha256').update(text).digest('hex');
export const rank: Rank = (seed, agent) => sha256(`wave/1 ${seed} ${agent}`);

const CAREFUL = strategyNamed('careful');

/** A hundred agents in two stages: `c1` to `c3` are the canary, whoever is called `a…` to `m…` comes by rank. */
export function header(over: Partial<RolloutHeader> = {}): RolloutHeader {
  return {
    id: 'r-1',
    group: 'edge',
    target: B,
    from: A,
    strategy: CAREFUL,
    seed: 's',
    author: 'ada',
    message: 'second exporter',
    supersedes: null,
    parent: null,
    takesBack: null,
    planned: 100,
    stages: [
      { name: 'canary', planned: 3, upTo: null },
      { name: '25%', planned: 22, upTo: '3'.padEnd(64, 'f') },
      { name: '100%', planned: 75, upTo: null },
    ],
    canary: ['c1', 'c2', 'c3'],
    digest: 'd',
    maxInFlight: 5,
    maxFailed: 1,
    maxLost: 2,
    maxDeferred: 20,
    carried: [],
    skipped: [],
    ...over,
  };
}

/** One stage, without soak and bake. */
export const AT_ONCE: Partial<RolloutHeader> = {
  strategy: strategyNamed('all-at-once'),
  stages: [{ name: '100%', planned: 100, upTo: null }],
  canary: [],
};

export const started = (over: Partial<RolloutHeader> = {}): Rollout =>
  step(null, { type: 'started', header: header(over) }, T0);

export const admitted = (...agents: string[]): RolloutEvent => ({
  type: 'admitted',
  agents: agents.map((agent) => ({ agent, late: false })),
});

export const observe = (
  agent: string,
  state: Observation['state'],
  reason: Observation['reason'] = null,
  message = '',
): RolloutEvent => ({ type: 'observed', changes: [{ agent, state, reason, message }] });

export const failing = (agent: string): RolloutEvent => observe(agent, 'failed', 'agent-failed', 'exit code 1');
export const losing = (agent: string): RolloutEvent => observe(agent, 'failed', 'lost-contact', 'gone');
export const paused = (reason: NonNullable<Rollout['pause']>['reason'] = 'operator'): RolloutEvent => ({
  type: 'paused',
  reason,
  message: 'why',
});
export const ordered = (...agents: string[]): RolloutEvent => ({
  type: 'reverting',
  agents: agents.map((agent) => ({ agent, to: A, reason: null })),
});
export const soaking: RolloutEvent = { type: 'soaking', deferred: [] };
export const advanced: RolloutEvent = { type: 'advanced' };
export const resumed: RolloutEvent = { type: 'resumed' };
export const promoted: RolloutEvent = { type: 'promoted' };
export const rollbackStarted: RolloutEvent = { type: 'rollback-started', message: 'too many failed' };
export const superseded: RolloutEvent = { type: 'superseded', by: 'r-2' };

export const after = (from: Rollout, ...events: readonly RolloutEvent[]): Rollout =>
  events.reduce((rollout, event) => step(rollout, event, NOW), from);

/** These agents have proven it, one after the other. */
export const proving = (...agents: string[]): RolloutEvent[] =>
  agents.flatMap((agent) => [admitted(agent), observe(agent, 'proven')]);

/** The canary has passed, the second stage is open. */
export const canaryPassed = (over: Partial<RolloutHeader> = {}): Rollout =>
  after(started(over), ...proving('c1', 'c2', 'c3'), soaking, advanced);

const baking = (): Rollout => after(started(AT_ONCE), ...proving('a'), soaking, advanced);

/** A rollout in each state, with a target `a` that is proven and a target `b` that is in flight where that can be. */
export const IN: Readonly<Record<RolloutState, () => Rollout>> = {
  running: () => after(canaryPassed(), ...proving('a'), admitted('b')),
  paused: () => after(IN.running(), paused()),
  baking,
  'rolling-back': () => after(IN.running(), observe('b', 'sent'), rollbackStarted),
  succeeded: () => after(baking(), { type: 'succeeded' }),
  'rolled-back': () =>
    after(started(), ...proving('a'), rollbackStarted, ordered('a'), observe('a', 'reverted'), { type: 'rolled-back' }),
  'rolled-back-partial': () =>
    after(started(), ...proving('a'), rollbackStarted, ordered('a'), observe('a', 'revert-unconfirmed'), {
      type: 'rolled-back',
    }),
  'stopped-mixed': () => after(IN.running(), { type: 'stopped', message: '' }),
  cancelled: () => after(started(), { type: 'stopped', message: '' }),
  superseded: () => after(IN.running(), superseded),
};

/** A world in which nothing happens unless told otherwise. */
export const around = (over: Partial<Surroundings> = {}): Surroundings => ({
  waiting: () => [],
  untouched: () => [],
  member: () => undefined,
  control: () => ({ bad: 0, all: 0 }),
  condemned: new Set(),
  doubtful: () => [],
  upSince: T0,
  isReturning: () => false,
  room: 250,
  familyRoom: Number.POSITIVE_INFINITY,
  trippedSibling: null,
  ...over,
});

/** All decisions that follow from what is. @throws when they do not end. */
export function decided(from: Rollout, world: Surroundings, now: number): Rollout {
  let rollout = from;
  for (let steps = 0; steps < 64; steps += 1) {
    const event = decide(rollout, world, now);
    if (event === undefined) return rollout;
    rollout = step(rollout, event, now);
  }
  throw new Error(`it decides for ever: ${rollout.state}, stage ${rollout.stage}`);
}
