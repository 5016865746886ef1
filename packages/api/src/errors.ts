/** How client and server tell each other what is wrong: RFC 9457, with codes of our own. */
import type { FleetErrorCode, Problem } from '@flaghoist/fleet';

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
  'plan-changed': 409,
  'needs-confirmation': 409,
  'no-place': 409,
  'preflight-failed': 422,
  gone: 410,
  'changed-meanwhile': 412,
  'too-many-requests': 429,
  internal: 500,
  unavailable: 503,
} as const satisfies Record<FleetErrorCode, number> & Record<string, number>;

export type ProblemCode = keyof typeof PROBLEM_STATUS;

/**
 * Codes that only a client sees: `unreachable` (no answer came), `timeout` (none in time), `not-the-api` (an answer
 * that no Flaghoist server gives: a proxy, another program).
 */
export type ApiErrorCode = ProblemCode | 'unreachable' | 'timeout' | 'not-the-api';

/** One thing that is wrong: in a field of the request (`path`), or in a text (`file`, `line`, `column` from 1, `rule`). */
export type ProblemDetail = Pick<Problem, 'message'> & Partial<Problem & { readonly path: string }>;

/** A refusal as client and server pass it on. `status` is 0 when no server answered. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly code: ApiErrorCode;
  readonly problems: readonly ProblemDetail[];

  constructor(
    code: ApiErrorCode,
    detail: string,
    problems: readonly ProblemDetail[] = [],
    { status = isProblemCode(code) ? PROBLEM_STATUS[code] : 0, ...options }: ErrorOptions & { status?: number } = {},
  ) {
    super(detail, options);
    this.code = code;
    this.status = status;
    this.problems = problems;
  }

  /** What is wrong and what to do, as a sentence. */
  get detail(): string {
    return this.message;
  }
}

const isProblemCode = (code: string): code is ProblemCode => Object.hasOwn(PROBLEM_STATUS, code);

/** The body that tells a client of this error. */
export function problemDocument({ status, code, detail, problems }: ApiError) {
  return { type: `urn:flaghoist:error:${code}`, title: code.replaceAll('-', ' '), status, code, detail, problems };
}

/** Reads such a body. A code that this version does not know becomes the general code of its status. */
export function readProblem(status: number, body: unknown): ApiError {
  const { code, detail, problems } = (body ?? {}) as Partial<ReturnType<typeof problemDocument>>;
  if (typeof code !== 'string' || typeof detail !== 'string') return notTheApi(status);
  const codes = Object.keys(PROBLEM_STATUS).filter(isProblemCode);
  const general = codes.find((code) => PROBLEM_STATUS[code] === status) ?? (status >= 500 ? 'internal' : 'invalid');
  return new ApiError(isProblemCode(code) ? code : general, detail, Array.isArray(problems) ? problems : [], {
    status,
  });
}

/** Something answered that is no Flaghoist server. */
export function notTheApi(status: number, cause?: unknown): ApiError {
  const detail = `the answer (HTTP ${status}) is not one of a Flaghoist server: check the address`;
  return new ApiError('not-the-api', detail, [], { status, cause });
}
