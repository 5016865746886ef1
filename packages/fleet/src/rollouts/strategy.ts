import { parseSelector } from '../agents/selector.ts';
import type { Terms } from '../convergence/ledger.ts';
import { FleetError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Millis } from '../time.ts';

/** A count, or a share of the agents that were planned at the start, between `least` and `most` agents. */
export type Share =
  | { readonly count: number }
  | { readonly percent: number; readonly least?: number; readonly most?: number };

/** The canary, or everybody up to a share of the plan: `5%` is the first twentieth, those before it included. */
export type StageName = 'canary' | `${number}%`;

/** How a rollout goes: its stages, what it waits for between them, and what it bears (A.8, defaults). */
export interface Strategy {
  readonly name: string;
  readonly stages: readonly StageName[];
  /** The first few: at least one of each kind of agent while there is room for that (A.6). */
  readonly canary: { readonly size: Share; readonly min: number; readonly max: number; readonly selector: string };
  /** Agents that may hold the revision without proof at one time (I1); never more than 3 in the canary. */
  readonly maxInFlight: Share;
  /** Failures over the whole rollout (I4): one more trips it. None in the canary. */
  readonly maxFailed: Share;
  /** Agents that vanished after the offer: one more pauses. In the canary they are failures. */
  readonly maxLost: Share;
  /** Agents that could not be reached when their stage ended: one more pauses. */
  readonly maxDeferred: Share;
  /** Of those with an outcome in a stage, how many must be proven, percent. All in the canary. */
  readonly successThreshold: number;
  readonly terms: Terms;
  /** Without any progress for so long, with work left, it pauses. */
  readonly progressDeadline: Millis;
  /** What could not be taken back by then is left to the pull law, and listed. */
  readonly revertTimeout: Millis;
  /** How long a stage is watched after its last proof. */
  readonly soak: { readonly canary: Millis; readonly stage: Millis };
  /** How long everybody is watched before the revision becomes the stable one. */
  readonly bake: Millis;
  /** Stages after which a person must say `promote`. */
  readonly gates: readonly { readonly after: StageName; readonly type: 'manual' }[];
  readonly onFailure: 'rollback' | 'pause';
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

const CAREFUL: Strategy = {
  name: 'careful',
  stages: ['canary', '5%', '25%', '100%'],
  canary: { size: { percent: 1 }, min: 1, max: 10, selector: '' },
  maxInFlight: { percent: 5, most: 500 },
  maxFailed: { percent: 1 },
  maxLost: { percent: 2, least: 1 },
  maxDeferred: { percent: 20, least: 1 },
  successThreshold: 95,
  terms: {
    deliveryTimeout: 30 * SECOND,
    applyTimeout: 120 * SECOND,
    minHealthyTime: 60 * SECOND,
    requireEffective: 'ifReported',
  },
  progressDeadline: 10 * MINUTE,
  revertTimeout: 10 * MINUTE,
  soak: { canary: 10 * MINUTE, stage: 5 * MINUTE },
  bake: 30 * MINUTE,
  gates: [],
  onFailure: 'rollback',
};

const QUICK: Strategy = {
  ...CAREFUL,
  name: 'quick',
  stages: ['canary', '25%', '100%'],
  canary: { ...CAREFUL.canary, max: 3 },
  terms: { ...CAREFUL.terms, minHealthyTime: 10 * SECOND },
  soak: { canary: 30 * SECOND, stage: 30 * SECOND },
  bake: MINUTE,
};

const ALL_AT_ONCE: Strategy = {
  ...CAREFUL,
  name: 'all-at-once',
  stages: ['100%'],
  maxInFlight: { percent: 25, most: 2_000 },
  terms: { ...CAREFUL.terms, minHealthyTime: 0 },
  soak: { canary: 0, stage: 0 },
  bake: 0,
};

export const BUILT_IN_STRATEGIES: readonly Strategy[] = [CAREFUL, QUICK, ALL_AT_ONCE];

export const DEFAULT_STRATEGY = CAREFUL.name;

/** @throws FleetError `invalid-strategy` naming the strategies there are. */
export function strategyNamed(name: string, known: readonly Strategy[] = BUILT_IN_STRATEGIES): Strategy {
  const strategy = known.find((one) => one.name === name);
  if (strategy !== undefined) return strategy;
  const names = known.map((one) => one.name).join(', ');
  throw new FleetError('invalid-strategy', `no strategy is called ${JSON.stringify(name)}; there is: ${names}`);
}

/** Settings over a strategy; what is not given stays. The terms stand beside the others, as people write them. */
export type StrategyOverrides = {
  readonly [Name in keyof Settings]?:
    | (Settings[Name] extends Grouped ? Loose<Settings[Name]> : Settings[Name])
    | undefined;
};
type Settings = Omit<Strategy, 'name' | 'terms'> & Terms;
type Grouped = Strategy['canary'] | Strategy['soak'];
type Loose<T> = { readonly [Name in keyof T]?: T[Name] | undefined };

/** @throws FleetError `invalid-strategy` when what comes of it makes no sense. */
export function withOverrides(strategy: Strategy, { canary, soak, ...over }: StrategyOverrides): Strategy {
  const { deliveryTimeout, applyTimeout, minHealthyTime, requireEffective, ...rest } = over;
  const merged = {
    ...merge(strategy, rest),
    canary: merge(strategy.canary, canary ?? {}),
    soak: merge(strategy.soak, soak ?? {}),
    terms: merge(strategy.terms, { deliveryTimeout, applyTimeout, minHealthyTime, requireEffective }),
  };
  checkStrategy(merged);
  return merged;
}

function merge<T extends object>(base: T, over: Loose<T>): T {
  return { ...base, ...Object.fromEntries(Object.entries(over).filter(([, value]) => value !== undefined)) };
}

/** Of the stage's name; the canary has none. */
export const percentOf = (stage: StageName): number => (stage === 'canary' ? 0 : Number.parseFloat(stage));

function checkStrategy(strategy: Strategy): void {
  const { name, stages, canary, gates, successThreshold, terms, progressDeadline } = strategy;
  const refuse = (why: string) => {
    throw new FleetError('invalid-strategy', `strategy ${name}: ${why}`);
  };
  if (stages.length === 0 || stages.length > LIMITS.stages) refuse(`give 1 to ${LIMITS.stages} stages`);
  if (stages.lastIndexOf('canary') > 0) refuse('the canary can only be the first stage');
  const percents = stages.filter((stage) => stage !== 'canary').map(percentOf);
  const isRising = percents.every((percent, at) => percent > (percents[at - 1] ?? 0));
  if (!isRising || percents.at(-1) !== 100) refuse(`stages must rise to 100%, as in canary, 5%, 25%, 100%`);
  if (canary.min < 1 || canary.max < canary.min) refuse('canary.min must be 1 or more, and canary.max at least that');
  if (successThreshold < 0 || successThreshold > 100) refuse('successThreshold is a percentage, 0 to 100');
  parseSelector(canary.selector);
  if (progressDeadline <= terms.applyTimeout + terms.minHealthyTime)
    refuse('progressDeadline must be longer than applyTimeout and minHealthyTime together, or a slow proof pauses it');
  for (const { after } of gates) {
    if (!stages.includes(after)) refuse(`a gate stands after ${after}, which is not one of its stages`);
  }
}

/** A share of `all`, rounded up or down; what floating point adds to a whole number is not rounded. */
export function portion(percent: number, all: number, round: 'up' | 'down'): number {
  const exact = (percent * all) / 100;
  return round === 'up' ? Math.ceil(exact - 1e-9) : Math.floor(exact + 1e-9);
}

function countOf(share: Share, all: number, round: 'up' | 'down'): number {
  if ('count' in share) return share.count;
  const { percent, least = 0, most = Number.POSITIVE_INFINITY } = share;
  return Math.max(least, Math.min(portion(percent, all, round), most));
}

/** What a rollout of so many agents may bear, in agents; frozen at its start (I4). */
export interface Bounds {
  readonly maxInFlight: number;
  readonly maxFailed: number;
  readonly maxLost: number;
  readonly maxDeferred: number;
}

/** Shares that bound what may go on are rounded up, those that bound what may go wrong down. At least 1 is in flight. */
export function boundsOf(
  strategy: Pick<Strategy, 'maxInFlight' | 'maxFailed' | 'maxLost' | 'maxDeferred'>,
  planned: number,
): Bounds {
  return {
    maxInFlight: Math.max(countOf(strategy.maxInFlight, planned, 'up'), 1),
    maxFailed: countOf(strategy.maxFailed, planned, 'down'),
    maxLost: countOf(strategy.maxLost, planned, 'down'),
    maxDeferred: countOf(strategy.maxDeferred, planned, 'down'),
  };
}

/** Agents in the canary. */
export function canarySize({ canary: { size, min, max } }: Pick<Strategy, 'canary'>, planned: number): number {
  return Math.min(planned, Math.max(min, Math.min(countOf(size, planned, 'up'), max)));
}
