import { hash } from 'node:crypto';
import { FleetError } from '@flaghoist/fleet';
import type { ControlPlane } from '../control-plane.ts';

/** What is kept under a key: the answer, and of which request. */
interface Answered<T> {
  readonly digest: string;
  readonly answer: T;
}

interface Request {
  readonly idempotencyKey?: string | undefined;
  readonly body: unknown;
}

/** Waits for what it needs, then gives the decision: one step in which nothing is awaited. */
type Prepare<T> = () => Promise<() => T>;

/**
 * Runs creations once per idempotency key: a repeated request gets the first answer, also while the first still runs,
 * and does nothing. The key is in the commit of the effect, so a crash cannot separate them. Without a key it just
 * runs. A refusal is not remembered. `scope` tells the keys of one kind of creation from those of others.
 * @throws FleetError `conflict` when the key came with another body.
 */
export function onceOnly({ journal, now, reconciler, store }: ControlPlane) {
  const running = new Map<string, Answered<Promise<unknown>>>();

  return async function once<T>(scope: string, { idempotencyKey, body }: Request, prepare: Prepare<T>): Promise<T> {
    const key = `${scope} ${idempotencyKey}`;
    const digest = hash('sha256', JSON.stringify(body));

    const create = async (): Promise<T> => {
      const decide = await prepare();
      const answer = decide();
      if (idempotencyKey !== undefined)
        journal.write({ kind: 'idempotency', key, at: now(), answer: { digest, answer } });
      await reconciler.flush();
      return answer;
    };
    const answerOf = <A>(first: Answered<A>): A => {
      if (first.digest === digest) return first.answer;
      throw new FleetError(
        'conflict',
        `the idempotency key ${JSON.stringify(idempotencyKey)} came with another request before; give this one a new key`,
      );
    };

    if (idempotencyKey === undefined) return create();
    const first = async (): Promise<T> => {
      const known = (await store.idempotent(key)) as Answered<T> | null | undefined;
      return known == null ? create() : answerOf(known);
    };
    const started = running.get(key) ?? { digest, answer: first().finally(() => running.delete(key)) };
    running.set(key, started);
    return (await answerOf(started)) as T;
  };
}
