import { randomBytes } from 'node:crypto';
import type { Instant } from '@flaghoist/fleet';

/** Where time comes from. */
export type Now = () => Instant;

/**
 * The time of day as it was when the process started, and from then on how long that is ago: a system clock that is set
 * meanwhile makes no deadline early (R22). What it is off by then is mended by a restart.
 */
export const steadyNow: Now = () => Math.floor(performance.timeOrigin + performance.now());

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** An id people can read aloud, `a…` of an agent or `r…` of a rollout: 12 characters of Crockford's base 32, 60 random bits. */
export const randomId = (kind: 'a' | 'r'): string =>
  kind + Array.from(randomBytes(12), (byte) => ALPHABET[byte & 31]).join('');
