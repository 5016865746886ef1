/** A memory bounded in entries, and where they have sizes in those together; what was not used for longest goes first. */
export class Remembered<T> {
  readonly #kept = new Map<string, { readonly value: T; readonly size: number }>();
  readonly #most: { readonly entries: number; readonly sizes?: number };
  #size = 0;

  constructor(most: { readonly entries: number; readonly sizes?: number }) {
    this.#most = most;
  }

  get(key: string): T | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined) return undefined;
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    return kept.value;
  }

  set(key: string, value: T, size = 0): void {
    this.#drop(key);
    this.#kept.set(key, { value, size });
    this.#size += size;
    const { entries, sizes = Number.POSITIVE_INFINITY } = this.#most;
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= entries && this.#size <= sizes) break;
      this.#drop(oldest);
    }
  }

  #drop(key: string): void {
    this.#size -= this.#kept.get(key)?.size ?? 0;
    this.#kept.delete(key);
  }
}
