import type { Millis } from '@flaghoist/fleet';

/** Time as the group commit needs it. */
export interface Clock {
  /** Milliseconds since any fixed moment; never goes backwards. */
  now(): Millis;
  /** Runs `action` once after `delay`; the function returned calls it off. */
  after(delay: Millis, action: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after: (delay, action) => {
    const timer = setTimeout(action, delay);
    return () => clearTimeout(timer);
  },
};
