/** Preloaded into a server: measures each callback of its main thread, and tells on the channel when it is asked. */
import { isMainThread } from 'node:worker_threads';
import { type Callback, watchCallbacks } from './callbacks.ts';

/** Since it was asked last. */
export interface Reading {
  readonly longest: Callback;
  /** Resident memory, bytes. */
  readonly rss: number;
  /** Objects have only what they should have (R18). */
  readonly polluted: readonly string[];
}

if (isMainThread && process.send !== undefined) {
  const longest = watchCallbacks();
  process.on('message', () => {
    const objects: object[] = [{}, [], () => undefined];
    const polluted = objects.flatMap((object) => {
      const found: string[] = [];
      for (const key in object) found.push(key);
      return found;
    });
    process.send?.({ longest: longest(), rss: process.memoryUsage.rss(), polluted } satisfies Reading);
  });
  process.channel?.unref();
}
