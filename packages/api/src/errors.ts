import type { z } from 'zod';
import { PROBLEM_STATUS, type ProblemCode } from './codes.ts';
import type { problem } from './resources/problem.ts';

/**
 * Codes that only a client sees: `unreachable` (no answer came), `timeout` (none in time), `not-the-api` (an answer
 * that no Flaghoist server gives: a proxy, another program).
 */
export type ApiErrorCode = ProblemCode | 'unreachable' | 'timeout' | 'not-the-api';

/** RFC 9457, as `application/problem+json`. */
export type ProblemDocument = Readonly<z.output<typeof problem>>;
export type ProblemDetail = Readonly<ProblemDocument['problems'][number]>;

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
    options: ErrorOptions & { readonly status?: number } = {},
  ) {
    super(detail, options);
    this.code = code;
    this.status = options.status ?? (isProblemCode(code) ? PROBLEM_STATUS[code] : 0);
    this.problems = problems;
  }

  /** What is wrong and what to do, as a sentence. */
  get detail(): string {
    return this.message;
  }
}

const isProblemCode = (code: string): code is ProblemCode => Object.hasOwn(PROBLEM_STATUS, code);

/** The body that tells a client of this error. */
export function problemDocument({ status, code, detail, problems }: ApiError): ProblemDocument {
  const title = code.replaceAll('-', ' ');
  return { type: `urn:flaghoist:error:${code}`, title, status, code, detail, problems: [...problems] };
}

/** Reads such a body. A code that this version does not know becomes the general code of its status. */
export function readProblem(status: number, body: unknown): ApiError {
  const { code, detail, problems } = (body ?? {}) as Partial<ProblemDocument>;
  if (typeof code !== 'string' || typeof detail !== 'string') return notTheApi(status);
  const known = isProblemCode(code) ? code : generalCode(status);
  return new ApiError(known, detail, Array.isArray(problems) ? problems : [], { status });
}

function generalCode(status: number): ProblemCode {
  const codes = Object.keys(PROBLEM_STATUS) as ProblemCode[];
  return codes.find((code) => PROBLEM_STATUS[code] === status) ?? (status >= 500 ? 'internal' : 'invalid');
}

/** Something answered that is no Flaghoist server. */
export function notTheApi(status: number, cause?: unknown): ApiError {
  const detail = `the answer (HTTP ${status}) is not one of a Flaghoist server: check the address`;
  return new ApiError('not-the-api', detail, [], { status, cause });
}
