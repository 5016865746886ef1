import type { Terms } from '../convergence/ledger.ts';
import { FleetError } from '../errors.ts';

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

/** Settings over a strategy, as `POST /rollouts` takes and checks them. */
export type StrategyOverrides = { readonly [Name in keyof Settings]?: Settings[Name] | undefined };
type Settings = Omit<Strategy, 'name' | 'terms'> & Terms;

export function withOverrides(strategy: Strategy, over: StrategyOverrides): Strategy {
  const { terms } = strategy;
  return {
    ...strategy,
    maxInFlight: over.maxInFlight ?? strategy.maxInFlight,
    maxFailed: over.maxFailed ?? strategy.maxFailed,
    terms: {
      applyTimeout: over.applyTimeout ?? terms.applyTimeout,
      minHealthyTime: over.minHealthyTime ?? terms.minHealthyTime,
      requireEffective: over.requireEffective ?? terms.requireEffective,
    },
  };
}

function countOf(share: Share, all: number, round: (count: number) => number): number {
  if ('count' in share) return share.count;
  return Math.min(round((share.percent / 100) * all), share.most ?? all);
}

/** Agents at once, at least 1; a share is rounded up. */
export function inFlightBound({ maxInFlight }: Pick<Strategy, 'maxInFlight'>, planned: number): number {
  return Math.max(countOf(maxInFlight, planned, Math.ceil), 1);
}

/** Failures that may happen; one more pauses. A share is rounded down. */
export function failureBound({ maxFailed }: Pick<Strategy, 'maxFailed'>, planned: number): number {
  return countOf(maxFailed, planned, Math.floor);
}
