/** How the journal tells of a rollout. */
import type { Rollout, RolloutEvent } from '@flaghoist/fleet';
import type { EventKind } from '../events/journal-event.ts';

/** What each decision is called; the others are told by the state that they lead to, or not at all. */
const WORDS: Partial<Record<RolloutEvent['type'], EventKind>> = {
  soaking: 'rollout.soaking',
  advanced: 'rollout.advanced',
  resumed: 'rollout.resumed',
  promoted: 'rollout.promoted',
  hurried: 'rollout.hurried',
  retried: 'rollout.retried',
};

export function wordFor({ type }: RolloutEvent, before: Rollout, { state }: Rollout): EventKind | undefined {
  return WORDS[type] ?? (state === before.state ? undefined : `rollout.${state}`);
}

export function dataOf(rollout: Rollout): Readonly<Record<string, unknown>> {
  const { group, target, state, stage, stages, counts, planned, pause, rollback, message } = rollout;
  const told = { message: pause?.message ?? rollback?.message ?? message, reason: pause?.reason ?? null };
  return { group, target, state, stage: stages[stage]?.name ?? null, counts, planned, ...told };
}
