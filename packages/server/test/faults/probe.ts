/** Preloaded into a server: measures each callback of its main thread, and tells on the channel when it is asked. */
import { createHook } from 'node:async_hooks';
import { isMainThread } from 'node:worker_threads';

/** Since it was asked last. */
export interface Reading {
  /** CPU time of the longest callback, ms, and what it was called for. */
  readonly longest: { readonly ms: number; readonly type: string };
  /** Resident memory, bytes. */
  readonly rss: number;
  /** Objects have only what they should have (R18). */
  readonly polluted: readonly string[];
}

if (isMainThread && process.send !== undefined) {
  const cpu = (): number => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1_000;
  };
  const types = new Map<number, string>();
  let depth = 0;
  let began = 0;
  let longest: Reading['longest'] = { ms: 0, type: '' };
  createHook({
    init: (id, type) => void types.set(id, type),
    destroy: (id) => void types.delete(id),
    promiseResolve: (id) => void types.delete(id),
    before: () => {
      depth += 1;
      if (depth === 1) began = cpu();
    },
    after: (id) => {
      depth -= 1;
      if (depth > 0) return;
      const ms = cpu() - began;
      if (ms > longest.ms) longest = { ms, type: types.get(id) ?? 'PROMISE' };
    },
  }).enable();

  process.on('message', () => {
    const objects: object[] = [{}, [], () => undefined];
    const polluted = objects.flatMap((object) => {
      const found: string[] = [];
      for (const key in object) found.push(key);
      return found;
    });
    process.send?.({ longest, rss: process.memoryUsage.rss(), polluted } satisfies Reading);
    longest = { ms: 0, type: '' };
  });
  process.channel?.unref();
}
