import type { EncodedRemoteConfig } from '@flaghoist/opamp';
import { SERVER_LIMITS } from '../limits.ts';
import { Remembered } from '../remembered.ts';
import type { Store } from '../storage/store.ts';
import { encodeOffer } from './wire.ts';

/** Encoded configurations by hash: encoded once, however many agents get them (principle 7). */
export function offerBook(store: Pick<Store, 'files'>) {
  const encoded = new Remembered<EncodedRemoteConfig>(SERVER_LIMITS.offersKept);
  const loading = new Map<string, Promise<void>>();

  async function load(hash: string): Promise<void> {
    const files = await store.files(hash);
    if (files === null) throw new Error(`the texts of ${hash} are not in the store`);
    encoded.set(hash, encodeOffer(files, hash));
  }

  /** Has it at hand; concurrent calls share the work. Rejects when the store cannot give its texts. */
  async function fetch(hash: string): Promise<void> {
    if (encoded.get(hash) !== undefined) return;
    const running = loading.get(hash) ?? load(hash).finally(() => loading.delete(hash));
    loading.set(hash, running);
    await running;
  }

  return {
    fetch,

    /**
     * The configuration when it is at hand; else it is fetched, for the next time that it is asked for. What could not be
     * read is so tried again with every tick while an agent waits for it.
     */
    atHand(hash: string): EncodedRemoteConfig | undefined {
      const known = encoded.get(hash);
      if (known === undefined) fetch(hash).catch(() => {});
      return known;
    },

    /** Has what agents may come back for at hand before they do: an HTTP agent's offer leaves with the answer to its poll. */
    async ahead(hashes: ReadonlySet<string>): Promise<void> {
      await Promise.allSettled([...hashes].slice(0, SERVER_LIMITS.offersKept.entries).map(fetch));
    },
  };
}
