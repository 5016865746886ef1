import { randomBytes } from 'node:crypto';
import type { Instant } from '@flaghoist/fleet';

/** Where time comes from. */
export type Now = () => Instant;

/**
 * The time of day now, and from then on how long that is ago: a system clock that is set meanwhile makes no deadline early
 * (R22). Begins at `notBefore` where the clock was put back since that was stored: what comes after the store's records
 * must not look older than they are.
 */
export function steadyClock(notBefore: Instant): Now {
  const since = performance.now();
  const start = Math.max(performance.timeOrigin + since, notBefore);
  return () => Math.floor(start + performance.now() - since);
}

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** An id people can read aloud, `a…` of an agent or `r…` of a rollout: 12 characters of Crockford's base 32, 60 random bits. */
export const randomId = (kind: 'a' | 'r'): string =>
  kind + Array.from(randomBytes(12), (byte) => ALPHABET[byte & 31]).join('');
