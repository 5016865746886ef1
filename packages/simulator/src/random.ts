import { hash } from 'node:crypto';

/** Random numbers that are the same on every machine for the same seed and stream (mulberry32). */
export class Random {
  private state: number;

  /** @param stream separates the users of one seed, such as the agents */
  constructor(seed: number, stream: string) {
    this.state = hash('sha256', `${seed} ${stream}`, 'buffer').readInt32LE();
  }

  /** At least 0, less than 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  between([from, to]: readonly [number, number]): number {
    return from + (to - from) * this.next();
  }

  /** A whole number: at least `from`, less than `to`. */
  int(from: number, to: number): number {
    return Math.floor(this.between([from, to]));
  }

  /** The items in random order, in a new array. */
  shuffle<T>(items: readonly T[]): T[] {
    const ranked = items.map((item) => ({ item, rank: this.next() }));
    return ranked.sort((one, other) => one.rank - other.rank).map(({ item }) => item);
  }
}
