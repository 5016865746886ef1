import type { FleetErrorCode } from '@flaghoist/fleet';

/** HTTP status of every code that a problem of the server can have. Codes are stable: clients match on them. */
export const PROBLEM_STATUS = {
  invalid: 400,
  'invalid-selector': 400,
  'invalid-strategy': 400,
  'invalid-config': 422,
  'too-large': 413,
  'not-authenticated': 401,
  'not-allowed': 403,
  'not-found': 404,
  conflict: 409,
  'rollout-active': 409,
  'refused-hash': 409,
  'not-supported': 409,
  gone: 410,
  'changed-meanwhile': 412,
  'too-many-requests': 429,
  internal: 500,
  unavailable: 503,
} as const satisfies Record<FleetErrorCode, number> & Record<string, number>;

export type ProblemCode = keyof typeof PROBLEM_STATUS;
