/** What goes wrong in one world, and how often. Each world has some of it: where everything fails at once, little is seen. */
import type { Dice } from './dice.ts';

/** Chances in a second, but where another unit stands. */
export interface Rates {
  /** A WebSocket breaks and both ends know soon. */
  readonly cut: number;
  /** It breaks, and the server does not know for long. */
  readonly halfOpen: number;
  /** An agent's process starts anew. */
  readonly restart: number;
  /** An agent is away for minutes. */
  readonly away: number;
  /** The server process ends and starts again. */
  readonly crash: number;
  /** It ends between two effects; per effect. */
  readonly crashAtEffect: number;
  /** It sleeps for longer than its lease, and another one takes over. */
  readonly sleep: number;
  /** Nobody reaches the server for a while. */
  readonly outage: number;
  /** Per HTTP answer: it is lost. */
  readonly lostResponse: number;
  /** Per HTTP request: a proxy sends it twice. */
  readonly repeated: number;
  /** Per transaction: it fails, before or after it was durable. */
  readonly failedWrite: number;
  /** Per transaction: the disk takes seconds. */
  readonly slowWrite: number;
  /** Per offer: the agent takes twenty times as long to read it, and others queue behind. */
  readonly thinksLong: number;
  /** An agent changes its own labels. */
  readonly move: number;
}

const MOST: Rates = {
  cut: 0.04,
  halfOpen: 0.02,
  restart: 0.015,
  away: 0.006,
  crash: 0.025,
  crashAtEffect: 0.005,
  sleep: 0.015,
  outage: 0.008,
  lostResponse: 0.2,
  repeated: 0.1,
  failedWrite: 0.005,
  slowWrite: 0.02,
  thinksLong: 0.3,
  move: 0.002,
};

export const CALM: Rates = Object.fromEntries(Object.keys(MOST).map((name) => [name, 0])) as unknown as Rates;

/** Half of what can go wrong, each at a rate of its own; in one world of eight nothing. */
export function ratesOf(dice: Dice, bias: Partial<Rates>): Rates {
  const isCalm = dice.chance(1 / 8);
  const entries = Object.entries(MOST).map(([name, most]) => {
    const rate = dice.chance(0.5) ? most * dice.next() : 0;
    return [name, isCalm ? 0 : rate];
  });
  return { ...(Object.fromEntries(entries) as unknown as Rates), ...bias };
}

export class Weather {
  rates: Rates;
  readonly #dice: Dice;
  readonly #slowness: number;

  constructor(dice: Dice, rates: Rates) {
    this.#dice = dice;
    this.rates = rates;
    this.#slowness = dice.pick([5, 20, 100]);
  }

  /** Of a message on its way, ms: most are fast, some are not. */
  latency(): number {
    const most = this.#dice.chance(0.05) ? 20 * this.#slowness : this.#slowness;
    return this.#dice.int(1, most);
  }

  crashesNow(): boolean {
    return this.#dice.chance(this.rates.crashAtEffect);
  }

  write(): { durable: number; told: number; fails: 'no' | 'lost' | 'unknown' } {
    const durable = this.#dice.chance(this.rates.slowWrite) ? this.#dice.int(500, 5_000) : this.#dice.int(1, 6);
    const fails = this.#dice.chance(this.rates.failedWrite) ? this.#dice.pick(['lost', 'unknown'] as const) : 'no';
    return { durable, told: this.#dice.int(0, 4), fails };
  }
}
