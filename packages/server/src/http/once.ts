import { createHash } from 'node:crypto';
import { FleetError } from '@flaghoist/fleet';
import type { ControlPlane } from '../control-plane.ts';

/** What is stored under a key: the answer, and of which request. */
interface Remembered<T> {
  readonly digest: string;
  readonly answer: T;
}

interface Running {
  readonly digest: string;
  readonly answer: Promise<unknown>;
}

const running = new WeakMap<ControlPlane, Map<string, Running>>();

/** Makes what was decided durable, then gives the answer. Nothing may be awaited between deciding and this. */
export type Commit = <T>(answer: T) => Promise<T>;

/**
 * Runs a creation once per idempotency key: a repeated request gets the first answer, also while the first still runs,
 * and does nothing. The key is in the commit of the effect, so a crash cannot separate them. Without a key it just
 * runs. A refusal is not remembered. @throws FleetError `conflict` when the key came with another body.
 */
export async function once<T>(
  plane: ControlPlane,
  scope: string,
  { idempotencyKey, body }: { readonly idempotencyKey?: string | undefined; readonly body: unknown },
  run: (commit: Commit) => Promise<T>,
): Promise<T> {
  const { store, journal, reconciler } = plane;
  const commit = async <A>(answer: A): Promise<A> => {
    await reconciler.flush();
    return answer;
  };
  if (idempotencyKey === undefined) return run(commit);
  const key = `${scope} ${idempotencyKey}`;
  const digest = createHash('sha256').update(JSON.stringify(body)).digest('hex');
  const checked = <R extends { readonly digest: string }>(first: R): R => {
    if (first.digest === digest) return first;
    throw new FleetError(
      'conflict',
      `the idempotency key ${JSON.stringify(idempotencyKey)} came with another request before; give this one a new key`,
    );
  };
  const remembering: Commit = (answer) => {
    journal.write({ kind: 'idempotency', key, at: plane.now(), answer: { digest, answer } });
    return commit(answer);
  };
  const first = async (): Promise<T> => {
    const known = (await store.idempotent(key)) as Remembered<T> | null | undefined;
    return known == null ? run(remembering) : checked(known).answer;
  };
  const here = running.get(plane) ?? new Map<string, Running>();
  running.set(plane, here);
  const started = here.get(key) ?? { digest, answer: first().finally(() => here.delete(key)) };
  here.set(key, started);
  return (await checked(started).answer) as T;
}
