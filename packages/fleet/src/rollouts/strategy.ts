import type { Terms } from '../convergence/ledger.ts';
import { FleetError } from '../errors.ts';
import { formatDuration, type Millis } from '../time.ts';

/** A count, or a share of the agents that were in the group at the start, of `most` agents at most. */
export type Share = { readonly count: number } | { readonly percent: number; readonly most?: number };

/** How a rollout goes. Stages, gates, soak and rollback will stand here; what is listed works. */
export interface Strategy {
  readonly name: string;
  /** Agents that may hold the revision without proof at one time (I1). */
  readonly maxInFlight: Share;
  /** Failures, counted over the whole rollout, that pause it when exceeded (I4). */
  readonly maxFailed: Share;
  readonly terms: Terms;
}

/** One stage with everybody in it, bounded in flight; budgets as `careful` has them after its canary (A.8, defaults). */
const ALL_AT_ONCE: Strategy = {
  name: 'all-at-once',
  maxInFlight: { percent: 25, most: 2_000 },
  maxFailed: { percent: 1 },
  terms: { applyTimeout: 120_000, minHealthyTime: 0, requireEffective: 'ifReported' },
};

const BUILT_IN: ReadonlyMap<string, Strategy> = new Map([[ALL_AT_ONCE.name, ALL_AT_ONCE]]);

export const DEFAULT_STRATEGY = ALL_AT_ONCE.name;

/** @throws FleetError `invalid-strategy` naming the strategies there are. */
export function strategyNamed(name: string): Strategy {
  const strategy = BUILT_IN.get(name);
  if (strategy !== undefined) return strategy;
  throw new FleetError(
    'invalid-strategy',
    `no strategy is called ${JSON.stringify(name)}; there is: ${[...BUILT_IN.keys()].join(', ')}`,
  );
}

/** Settings over a strategy, as `POST /rollouts` takes them. */
export type StrategyOverrides = { readonly [Name in keyof Settings]?: Settings[Name] | undefined };
type Settings = Omit<Strategy, 'name' | 'terms'> & Terms;

/** @throws FleetError `invalid-strategy` naming the setting that makes no sense. */
export function withOverrides(strategy: Strategy, over: StrategyOverrides): Strategy {
  const {
    maxInFlight = strategy.maxInFlight,
    maxFailed = strategy.maxFailed,
    applyTimeout = strategy.terms.applyTimeout,
    minHealthyTime = strategy.terms.minHealthyTime,
    requireEffective = strategy.terms.requireEffective,
  } = over;
  checkShare('maxInFlight', maxInFlight, 1);
  checkShare('maxFailed', maxFailed, 0);
  checkMillis('applyTimeout', applyTimeout, 1);
  checkMillis('minHealthyTime', minHealthyTime, 0);
  return { ...strategy, maxInFlight, maxFailed, terms: { applyTimeout, minHealthyTime, requireEffective } };
}

function checkShare(name: string, share: Share, least: number): void {
  const isGood =
    'count' in share
      ? Number.isSafeInteger(share.count) && share.count >= least
      : share.percent >= 0 && share.percent <= 100;
  if (!isGood)
    throw new FleetError('invalid-strategy', `${name}: give a whole number from ${least}, or a share from 0% to 100%`);
}

function checkMillis(name: string, millis: Millis, least: Millis): void {
  if (!Number.isSafeInteger(millis) || millis < least)
    throw new FleetError('invalid-strategy', `${name}: give a duration of at least ${formatDuration(least)}`);
}

export function countOf(share: Share, all: number, round: (count: number) => number): number {
  if ('count' in share) return share.count;
  return Math.min(round((share.percent / 100) * all), share.most ?? all);
}

/** Agents at once, at least 1; a share is rounded up. */
export function inFlightBound({ maxInFlight }: Strategy, planned: number): number {
  return Math.max(countOf(maxInFlight, planned, Math.ceil), 1);
}

/** Failures that may happen; one more pauses. A share is rounded down. */
export function failureBound({ maxFailed }: Strategy, planned: number): number {
  return countOf(maxFailed, planned, Math.floor);
}
