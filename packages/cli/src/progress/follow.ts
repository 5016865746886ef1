/** Follows rollouts until they come to rest. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError, type Client, type RolloutDetail } from '@flaghoist/api';
import type { Progress } from './view.ts';

/** Between two looks: as often as anybody can read. */
const LOOK_MS = 250;

export interface FollowRollouts {
  readonly client: Client;
  readonly ids: readonly string[];
  readonly now: () => number;
  readonly onProgress: (progress: Progress) => void;
  /** Ends the following; the rollouts go on. */
  readonly signal: AbortSignal;
}

/** True when nothing more happens by itself. */
export function atRest({ state }: Pick<RolloutDetail, 'state'>): boolean {
  return state !== 'running';
}

/**
 * Resolves to the rollouts as they were last seen: all at rest, unless the signal ended it. A server that goes away
 * meanwhile is waited for. @throws ApiError
 */
export async function followRollouts(following: FollowRollouts): Promise<readonly RolloutDetail[]> {
  const { client, ids, now, onProgress, signal } = following;
  let rollouts: readonly RolloutDetail[] = [];
  while (!signal.aborted) {
    let connected = true;
    try {
      rollouts = await Promise.all(ids.map((id) => client.getRollout({ id }, { signal })));
    } catch (error) {
      if (signal.aborted) break;
      if (rollouts.length === 0 || !(error instanceof ApiError) || error.code !== 'unreachable') throw error;
      connected = false;
    }
    onProgress({ rollouts, connected, now: now() });
    if (rollouts.every(atRest)) break;
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
  return rollouts;
}
