/** What the exit codes mean; documented in the README, relied on by scripts. */
export const ExitCode = {
  ok: 0,
  /** A check that failed, a diff that differs, a rollout that did not succeed. */
  negative: 1,
  /** Usage, and every error without a code of its own. */
  error: 2,
  notAllowed: 3,
  notFound: 4,
  conflict: 5,
  timeout: 6,
  interrupted: 130,
} as const;

/** An error of the command line itself: a sentence that says what to do, and the exit code. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: number;

  constructor(message: string, exitCode: number = ExitCode.error, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
