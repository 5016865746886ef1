/** Follows rollouts by the event stream until they come to rest. */
import { ApiError, type Client, type ClientOptions, followEvents, type RolloutDetail } from '@flaghoist/api';
import type { Progress } from './view.ts';

const LIMITS = {
  /** Between two looks at most, whether or not an event came: the state is what counts, not the event. */
  lookMs: 2_000,
  /** Between two looks at least: a rollout tells of itself more often than anybody can read. */
  restMs: 200,
} as const;

export interface FollowRollouts {
  readonly client: Client;
  readonly address: ClientOptions;
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

function sleep(millis: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, millis);
    signal.addEventListener('abort', done);
  });
}

/** Resolves to the rollouts as they were last seen: all at rest, unless the signal ended it. @throws ApiError */
export async function followRollouts(following: FollowRollouts): Promise<readonly RolloutDetail[]> {
  const { client, address, ids, now, onProgress, signal } = following;
  const over = new AbortController();
  const stop = AbortSignal.any([signal, over.signal]);
  let connected = true;
  let news = new AbortController();
  const subjects = new Set(ids.map((id) => `rollout/${id}`));

  const listen = async (): Promise<void> => {
    const { lastEvent } = await client.getFleet({}, { signal: stop });
    const onConnection = (now: boolean): void => {
      connected = now;
    };
    for await (const { subject } of followEvents({
      ...address,
      after: lastEvent,
      signal: stop,
      onConnection,
    })) {
      if (subjects.has(subject)) news.abort();
    }
  };
  // The stream only makes it quicker: without it the rollouts are looked at every two seconds.
  listen().catch(() => {
    connected = stop.aborted;
  });

  let seen: readonly RolloutDetail[] = [];
  try {
    while (!signal.aborted) {
      news = new AbortController();
      try {
        seen = await Promise.all(ids.map((id) => client.getRollout({ id }, { signal })));
      } catch (error) {
        if (signal.aborted) break;
        if (seen.length === 0 || !(error instanceof ApiError) || error.code !== 'unreachable') throw error;
        connected = false;
      }
      onProgress({ rollouts: seen, connected, now: now() });
      if (seen.every(atRest)) break;
      await sleep(LIMITS.restMs, stop);
      await sleep(LIMITS.lookMs, AbortSignal.any([news.signal, stop]));
    }
    return seen;
  } finally {
    over.abort();
  }
}
