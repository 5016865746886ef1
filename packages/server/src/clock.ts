import { randomBytes } from 'node:crypto';
import type { Instant, Millis } from '@flaghoist/fleet';

/** Where time comes from. */
export type Now = () => Instant;

/**
 * The time of day now, and from then on how long that is ago: a system clock that is set meanwhile makes no deadline early
 * (R22). Begins at `notBefore` where the clock was put back since that was stored: what comes after the store's records
 * must not look older than they are.
 */
function steadyClock(notBefore: Instant): Now {
  const since = performance.now();
  const start = Math.max(performance.timeOrigin + since, notBefore);
  return () => Math.floor(start + performance.now() - since);
}

/** What the control plane takes from the machine that it runs on. A simulation gives it another one. */
export interface Machine {
  /** The clock of a process that begins now. */
  readonly clock: (notBefore: Instant) => Now;
  readonly randomBytes: (count: number) => Uint8Array;
  /** Calls once, in so many ms; the result calls it off. */
  readonly later: (call: () => void, delay: Millis) => () => void;
  /** Calls again and again, so many ms apart; the result calls it off. */
  readonly every: (call: () => void, interval: Millis) => () => void;
}

export const MACHINE: Machine = {
  clock: steadyClock,
  randomBytes,
  later: (call, delay) => {
    const timer = setTimeout(call, delay);
    return () => clearTimeout(timer);
  },
  every: (call, interval) => {
    const timer = setInterval(call, interval);
    return () => clearInterval(timer);
  },
};

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** An id people can read aloud, such as `a…` of an agent, `r…` of a rollout, `n…` of an alert: 12 characters of Crockford's base 32, 60 random bits. */
export const randomId = (kind: 'a' | 'r' | 'n' | 'msg_', { randomBytes }: Pick<Machine, 'randomBytes'>): string =>
  kind + Array.from(randomBytes(12), (byte) => ALPHABET[byte & 31]).join('');
