/** Strategies that people write: fields over a built-in one, by a name of their own or in place in a group. */
import { FleetError } from '../errors.ts';
import type { Instant } from '../time.ts';
import {
  BUILT_IN_STRATEGIES,
  type Strategy,
  type StrategyOverrides,
  strategyNamed,
  withOverrides,
} from './strategy.ts';

/** Fields over the strategy called `base`. */
export type StrategySpec = StrategyOverrides & { readonly base: string };

/** What a group says of its rollouts: the name of a strategy, or fields over one. */
export type StrategyChoice = string | StrategySpec;

/** One by name, over a built-in one. */
export interface OwnStrategy {
  readonly name: string;
  readonly spec: StrategySpec;
  readonly createdAt: Instant;
}

export const isBuiltIn = (name: string): boolean => BUILT_IN_STRATEGIES.some((one) => one.name === name);

/** @throws FleetError `invalid-strategy` when its base is none of the built-in ones, or what comes of it makes no sense. */
export function settingsOf({ name, spec: { base, ...fields } }: Pick<OwnStrategy, 'name' | 'spec'>): Strategy {
  return { ...withOverrides(strategyNamed(base), fields), name };
}

/** What a choice means, as it is frozen into a rollout. @throws FleetError `invalid-strategy`. */
export function resolveStrategy(choice: StrategyChoice, own: Iterable<OwnStrategy>): Strategy {
  if (typeof choice === 'string')
    return strategyNamed(choice, [...BUILT_IN_STRATEGIES, ...Array.from(own, settingsOf)]);
  const { base, ...fields } = choice;
  return withOverrides(resolveStrategy(base, own), fields);
}

/** Whether a choice stands on the strategy with that name. */
export const standsOn = (choice: StrategyChoice, name: string): boolean =>
  (typeof choice === 'string' ? choice : choice.base) === name;

/** @throws FleetError `conflict`: a built-in one is what its name says, everywhere. */
export function refuseBuiltIn(name: string): void {
  if (!isBuiltIn(name)) return;
  throw new FleetError(
    'conflict',
    `strategy ${name} is built in and stays as it is; save yours by another name, with base: ${name}`,
  );
}
