/** Virtual time: what is to happen, in order. Two things of one millisecond happen in the order in which they were asked for. */
export const SECOND = 1_000;
/** When all worlds begin. */
export const START = Date.UTC(2026, 0, 1);

export class Timeline {
  now: number;
  readonly #heap: Entry[] = [];
  #count = 0;

  constructor(start: number) {
    this.now = start;
  }

  /** In so many ms; the result calls it off. */
  after(delay: number, run: () => void): () => void {
    const entry: Entry = { at: this.now + Math.max(0, Math.round(delay)), order: this.#count, run };
    this.#count += 1;
    this.#push(entry);
    return () => {
      entry.run = null;
    };
  }

  /** Every so many ms, for ever, or until called off. */
  every(interval: number, run: () => void): () => void {
    let off = this.after(interval, again.bind(this));
    function again(this: Timeline): void {
      off = this.after(interval, again.bind(this));
      run();
    }
    return () => off();
  }

  /** Goes to the next thing and does it. False when there is none until then. */
  step(until: number): boolean {
    for (;;) {
      const next = this.#heap[0];
      if (next === undefined || next.at > until) return false;
      this.#pop();
      if (next.run === null) continue;
      this.now = next.at;
      next.run();
      return true;
    }
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above] as Entry;
      if (!isBefore(entry, parent)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Entry;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      const right = heap[below + 1];
      if (right !== undefined && isBefore(right, heap[below] as Entry)) below += 1;
      if (!isBefore(heap[below] as Entry, last)) break;
      heap[at] = heap[below] as Entry;
      at = below;
    }
    heap[at] = last;
  }
}

interface Entry {
  readonly at: number;
  readonly order: number;
  run: (() => void) | null;
}

const isBefore = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);
