import type { EncodedRemoteConfig } from '@flaghoist/opamp';
import { SERVER_LIMITS } from '../limits.ts';
import { Remembered } from '../remembered.ts';
import type { Store } from '../storage/store.ts';
import { encodeOffer } from './wire.ts';

/** Encoded configurations by hash: encoded once, however many agents get them (principle 7). */
export class OfferBook {
  readonly #encoded = new Remembered<EncodedRemoteConfig>(SERVER_LIMITS.offersKept);
  readonly #loading = new Map<string, Promise<void>>();
  readonly #store: Pick<Store, 'files'>;

  constructor(store: Pick<Store, 'files'>) {
    this.#store = store;
  }

  /**
   * The configuration when it is at hand; else it is fetched, for the next time that it is asked for. What could not be
   * read is so tried again with every tick while an agent waits for it.
   */
  atHand(hash: string): EncodedRemoteConfig | undefined {
    const encoded = this.#encoded.get(hash);
    if (encoded === undefined) this.fetch(hash).catch(() => {});
    return encoded;
  }

  /** Has it at hand; concurrent calls share the work. Rejects when the store cannot give its texts. */
  fetch(hash: string): Promise<void> {
    if (this.#encoded.get(hash) !== undefined) return Promise.resolve();
    const running = this.#loading.get(hash) ?? this.#load(hash).finally(() => this.#loading.delete(hash));
    this.#loading.set(hash, running);
    return running;
  }

  /** Has what agents may come back for at hand before they do: an HTTP agent's offer leaves with the answer to its poll. */
  async ahead(hashes: ReadonlySet<string>): Promise<void> {
    await Promise.allSettled([...hashes].slice(0, SERVER_LIMITS.offersKept.entries).map((hash) => this.fetch(hash)));
  }

  async #load(hash: string): Promise<void> {
    const files = await this.#store.files(hash);
    if (files === null) throw new Error(`the texts of ${hash} are not in the store`);
    this.#encoded.set(hash, encodeOffer(files, hash));
  }
}
