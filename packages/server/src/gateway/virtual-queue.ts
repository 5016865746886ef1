import type { Instant, Millis } from '@flaghoist/fleet';

/** The rate, and how many at once. */
export interface Pace {
  readonly perSecond: number;
  readonly burst: number;
}

/**
 * How fast newcomers are let in (R9): `perSecond` of them, `burst` at once. Whoever comes too early is told when its turn
 * is, and each gets a turn of its own: a constant wait would send all of them back at the same moment. Tells each newcomer
 * how long it should stay away: 0 when it may come in.
 */
export function virtualQueue({ perSecond, burst }: Pace): (now: Instant) => Millis {
  const interval = 1_000 / perSecond;
  /** When the next place is free, were everybody to come in turn. */
  let free: Instant = Number.NEGATIVE_INFINITY;
  /** The turn of who was sent away last. */
  let last: Instant = Number.NEGATIVE_INFINITY;

  return (now) => {
    const taken = Math.max(free, now - burst * interval) + interval;
    if (taken <= now) {
      free = taken;
      return 0;
    }
    last = Math.max(last, now) + interval;
    return last - now;
  };
}
