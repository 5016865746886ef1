import type { Terms } from '../convergence/ledger.ts';
import { FleetError } from '../errors.ts';
import { formatDuration } from '../time.ts';

/** A count, or a share of the agents that were in the group at the start. */
export type Share = { readonly count: number } | { readonly percent: number };

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
  maxInFlight: { percent: 25 },
  maxFailed: { percent: 1 },
  terms: { applyTimeout: 120_000, minHealthyTime: 0, requireEffective: 'ifReported' },
};

const BUILT_IN: ReadonlyMap<string, Strategy> = new Map([[ALL_AT_ONCE.name, ALL_AT_ONCE]]);

export const DEFAULT_STRATEGY = ALL_AT_ONCE.name;
const MOST_IN_FLIGHT = 2_000;

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
export interface StrategyOverrides {
  readonly maxInFlight?: Share | undefined;
  readonly maxFailed?: Share | undefined;
  readonly applyTimeout?: number | undefined;
  readonly minHealthyTime?: number | undefined;
  readonly requireEffective?: Terms['requireEffective'] | undefined;
}

/** @throws FleetError `invalid-strategy` naming the setting that makes no sense. */
export function withOverrides(strategy: Strategy, over: StrategyOverrides): Strategy {
  checkShare('maxInFlight', over.maxInFlight, 1);
  checkShare('maxFailed', over.maxFailed, 0);
  checkMillis('applyTimeout', over.applyTimeout, 1);
  checkMillis('minHealthyTime', over.minHealthyTime, 0);
  return {
    ...strategy,
    maxInFlight: over.maxInFlight ?? strategy.maxInFlight,
    maxFailed: over.maxFailed ?? strategy.maxFailed,
    terms: {
      applyTimeout: over.applyTimeout ?? strategy.terms.applyTimeout,
      minHealthyTime: over.minHealthyTime ?? strategy.terms.minHealthyTime,
      requireEffective: over.requireEffective ?? strategy.terms.requireEffective,
    },
  };
}

function checkShare(name: string, share: Share | undefined, least: number): void {
  if (share === undefined) return;
  const isGood =
    'count' in share
      ? Number.isSafeInteger(share.count) && share.count >= least
      : share.percent >= 0 && share.percent <= 100;
  if (!isGood) {
    throw new FleetError('invalid-strategy', `${name}: give a whole number from ${least}, or a share from 0% to 100%`);
  }
}

function checkMillis(name: string, millis: number | undefined, least: number): void {
  if (millis === undefined || (Number.isSafeInteger(millis) && millis >= least)) return;
  throw new FleetError('invalid-strategy', `${name}: give a duration of at least ${formatDuration(least)}`);
}

/** Agents at once: at least 1, at most 2,000; a share is rounded up. */
export function inFlightBound(strategy: Strategy, planned: number): number {
  const { maxInFlight } = strategy;
  const wanted = 'count' in maxInFlight ? maxInFlight.count : Math.ceil((maxInFlight.percent / 100) * planned);
  return Math.min(Math.max(wanted, 1), MOST_IN_FLIGHT);
}

/** Failures that may happen; one more pauses. A share is rounded down. */
export function failureBound(strategy: Strategy, planned: number): number {
  const { maxFailed } = strategy;
  return 'count' in maxFailed ? maxFailed.count : Math.floor((maxFailed.percent / 100) * planned);
}
