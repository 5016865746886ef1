import { hash } from 'node:crypto';
import { FleetError } from '@flaghoist/fleet';
import type { ControlPlane } from '../control-plane.ts';

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
  /** The last request with each key that is not answered yet: the next one waits for it. */
  const running = new Map<string, Promise<unknown>>();

  return async function once<T>(scope: string, { idempotencyKey, body }: Request, prepare: Prepare<T>): Promise<T> {
    const key = `${scope} ${idempotencyKey}`;
    const digest = hash('sha256', JSON.stringify(body));

    async function create(): Promise<T> {
      const decide = await prepare();
      const answer = decide();
      if (idempotencyKey !== undefined)
        journal.write({ kind: 'idempotency', key, at: now(), answer: { digest, answer } });
      await reconciler.flush();
      return answer;
    }

    async function createOrRepeat(): Promise<T> {
      const known = (await store.idempotent(key)) as { digest: string; answer: T } | undefined;
      if (known === undefined) return create();
      if (known.digest === digest) return known.answer;
      throw new FleetError(
        'conflict',
        `the idempotency key ${JSON.stringify(idempotencyKey)} came with another request before; give this one a new key`,
      );
    }

    if (idempotencyKey === undefined) return create();
    const answered = (running.get(key) ?? Promise.resolve()).then(createOrRepeat, createOrRepeat);
    running.set(key, answered);
    return answered.finally(() => running.get(key) === answered && running.delete(key));
  };
}
