import type { ControlPlane } from '../control-plane.ts';

const running = new WeakMap<ControlPlane, Map<string, Promise<unknown>>>();

/**
 * Runs a creation once per idempotency key: a repeated request gets the first answer, also while the first still runs,
 * and does nothing. Without a key it just runs. A refusal is not remembered.
 */
export async function once<T>(
  plane: ControlPlane,
  scope: string,
  key: string | undefined,
  run: () => Promise<T>,
): Promise<T> {
  if (key === undefined) return run();
  const name = `${scope} ${key}`;
  const here = running.get(plane) ?? new Map<string, Promise<unknown>>();
  running.set(plane, here);
  const started = here.get(name) ?? remember(plane, name, run).finally(() => here.delete(name));
  here.set(name, started);
  return (await started) as T;
}

async function remember<T>(plane: ControlPlane, key: string, run: () => Promise<T>): Promise<T> {
  const known = await plane.store.idempotent(key);
  if (known !== undefined && known !== null) return known as T;
  const answer = await run();
  await plane.store.commit([{ kind: 'idempotency', key, at: plane.now(), answer }]);
  return answer;
}
