/** The closed list of reasons for which the domain refuses a request. Stable: clients match on these. */
export type FleetErrorCode =
  | 'invalid'
  | 'invalid-selector'
  | 'invalid-strategy'
  | 'invalid-config'
  | 'too-large'
  | 'not-found'
  | 'conflict'
  | 'rollout-active'
  | 'refused-hash'
  | 'not-supported'
  | 'gone';

/** A line and column (both from 1) in one file of a configuration, with what is wrong there. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly rule: string;
  readonly message: string;
}

/** A refusal with a stable code, a sentence that says what to do, and the places it is about. */
export class FleetError extends Error {
  override readonly name = 'FleetError';
  readonly code: FleetErrorCode;
  readonly problems: readonly Problem[];

  constructor(code: FleetErrorCode, message: string, problems: readonly Problem[] = []) {
    super(message);
    this.code = code;
    this.problems = problems;
  }
}

/** What was looked for. @throws FleetError `not-found` when there is none; `without` says so. */
export function found<T>(thing: T | null | undefined, without: string): T {
  if (thing == null) throw new FleetError('not-found', without);
  return thing;
}
