import { createHook } from 'node:async_hooks';

/** CPU time of one callback with all that it calls, ms, and what it was called for. */
export interface Callback {
  readonly ms: number;
  readonly type: string;
}

/** Measures each callback of this thread from now on. Returns what tells the longest since it was asked last. */
export function watchCallbacks(): () => Callback {
  const cpu = (): number => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1_000;
  };
  const types = new Map<number, string>();
  let depth = 0;
  let began = 0;
  let longest: Callback = { ms: 0, type: '' };
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
  return () => {
    const told = longest;
    longest = { ms: 0, type: '' };
    return told;
  };
}
