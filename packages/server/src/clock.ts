import { randomBytes } from 'node:crypto';
import type { Instant } from '@flaghoist/fleet';

/** Where time comes from; tests put their own in its place (R1). */
export type Now = () => Instant;

/** Where ids come from: `a` + 12 characters for an agent, `r` + 12 for a rollout. */
export type NewId = (kind: 'a' | 'r') => string;

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** Ids people can read aloud: Crockford's base 32, 60 random bits. */
export const randomId: NewId = (kind) => {
  let id: string = kind;
  for (const byte of randomBytes(12)) id += ALPHABET[byte & 31];
  return id;
};
