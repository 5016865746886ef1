import { randomBytes } from 'node:crypto';
import type { Instant } from '@flaghoist/fleet';

/** Where time comes from. */
export type Now = () => Instant;

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** An id people can read aloud, `a…` of an agent or `r…` of a rollout: 12 characters of Crockford's base 32, 60 random bits. */
export const randomId = (kind: 'a' | 'r'): string =>
  kind + Array.from(randomBytes(12), (byte) => ALPHABET[byte & 31]).join('');
