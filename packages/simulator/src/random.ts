/** The random numbers of one agent: the same seed and stream give the same numbers on every machine (sfc32). */
export class Random {
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;

  /** @param stream separates the users of one seed: agents by their index, the planner by -1 */
  constructor(seed: number, stream: number) {
    this.a = seed | 0;
    this.b = Math.imul(stream, 0x9e3779b1) | 0;
    this.c = (seed / 2 ** 32) | 0;
    for (let i = 0; i < 12; i++) this.next();
  }

  /** At least 0, less than 1. */
  next(): number {
    const sum = (this.a + this.b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  }

  between([from, to]: readonly [number, number]): number {
    return from + (to - from) * this.next();
  }

  /** A whole number: at least `from`, less than `to`. */
  int(from: number, to: number): number {
    return Math.floor(this.between([from, to]));
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.int(0, 256));
  }

  /** The items in random order, in a new array. */
  shuffle<T>(items: readonly T[]): T[] {
    return items
      .map((item) => ({ item, rank: this.next() }))
      .sort((one, other) => one.rank - other.rank)
      .map(({ item }) => item);
  }
}
