import type { Instant, Millis } from '@flaghoist/fleet';

/** The rate, and how many at once. */
export interface Pace {
  readonly perSecond: number;
  readonly burst: number;
}

/**
 * How fast newcomers are let in (R9): `perSecond` of them, `burst` at once. Whoever comes too early is told when its turn
 * is, and each gets a turn of its own: a constant wait would send all of them back at the same moment.
 */
export class VirtualQueue {
  readonly #interval: Millis;
  readonly #burst: Millis;
  /** When the next place is free, were everybody to come in turn. */
  #free: Instant = Number.NEGATIVE_INFINITY;
  /** The turn of who was sent away last. */
  #last: Instant = Number.NEGATIVE_INFINITY;

  constructor({ perSecond, burst }: Pace) {
    this.#interval = 1_000 / perSecond;
    this.#burst = burst * this.#interval;
  }

  /** 0 when the newcomer may come in, else how long it should stay away. */
  arrive(now: Instant): Millis {
    const free = Math.max(this.#free, now - this.#burst);
    if (free + this.#interval <= now) {
      this.#free = free + this.#interval;
      return 0;
    }
    this.#last = Math.max(this.#last, now) + this.#interval;
    return this.#last - now;
  }
}
