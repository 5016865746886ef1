import type { Rollout } from '@flaghoist/fleet';
import { SERVER_LIMITS } from '../limits.ts';
import { Remembered } from '../remembered.ts';
import { foldLogs } from '../rollouts/rollouts.ts';
import type { RolloutSummary, Store } from '../storage/store.ts';

/** Ended rollouts with their targets, as their logs tell them. Those asked for last are kept: a log can be long. */
export class EndedRollouts {
  readonly #store: Pick<Store, 'rolloutLog'>;
  readonly #folded = new Remembered<Rollout>({ entries: SERVER_LIMITS.rolloutsFolded });

  constructor(store: Pick<Store, 'rolloutLog'>) {
    this.#store = store;
  }

  /** Null when its log is no longer kept. */
  async get({ id, version }: RolloutSummary): Promise<Rollout | null> {
    const rollout = this.#folded.get(id) ?? foldLogs(await this.#store.rolloutLog(id));
    // One that ended just now may lack its last entries until they are durable.
    if (rollout?.version === version) this.#folded.set(id, rollout);
    return rollout;
  }
}
