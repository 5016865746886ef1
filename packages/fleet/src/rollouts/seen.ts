/** What a person looked at before asking: a rollout moves on by itself, and what was meant for a gate must not end a soak. */
import { FleetError } from '../errors.ts';
import type { PauseReason, Rollout, RolloutState } from './rollout.ts';

export interface Seen {
  readonly rollout: string;
  readonly state: RolloutState;
  /** Position of the stage that was open. */
  readonly stage: number;
  /** Why it was paused; null when it was not. */
  readonly reason: PauseReason | null;
}

/** @throws FleetError `conflict` when the rollout is not what was looked at any more. */
export function checkSeen(rollout: Pick<Rollout, 'id' | 'state' | 'stage' | 'stages' | 'pause'>, all: readonly Seen[]) {
  const { id, state, stage, stages, pause } = rollout;
  const seen = all.find((one) => one.rollout === id);
  const reason = pause?.reason ?? null;
  if (seen?.state === state && seen.stage === stage && seen.reason === reason) return;
  const stands = `${state}${reason === null ? '' : ` (${reason})`}${stages[stage] ? `, stage ${stages[stage].name}` : ''}`;
  throw new FleetError(
    'conflict',
    `rollout ${id} has moved on since it was looked at, it is ${stands} now: look again (flaghoist rollout status ${id}), and ask again if that is still meant`,
  );
}
