import { ApiError, type ProblemDetail } from '@flaghoist/api';
import { CommanderError } from 'commander';
import { CliError, ExitCode } from './exit-code.ts';
import type { Io } from './io.ts';
import { oneLine } from './output/text.ts';
import { buildProgram } from './program.ts';
import type { Programs } from './programs.ts';

/** Exit codes of what the server refuses, by HTTP status. */
const BY_STATUS: Readonly<Record<number, number>> = {
  401: ExitCode.notAllowed,
  403: ExitCode.notAllowed,
  404: ExitCode.notFound,
  409: ExitCode.conflict,
  412: ExitCode.conflict,
  422: ExitCode.negative,
};

export interface RunOptions extends Io {
  readonly programs: Programs;
}

function problemText({ file, line, column, path, rule, message }: ProblemDetail): string {
  const place = line === undefined ? path : `${file || 'config'}:${line}:${column}`;
  return [place, rule, message].filter((word) => word !== undefined).join(': ');
}

function report(error: unknown, { stderr, env }: Io): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.ok : ExitCode.error;
  const say = (text: string): unknown => stderr.write(`flaghoist: ${oneLine(text)}\n`);
  if (error instanceof CliError) {
    say(error.message);
    return error.exitCode;
  }
  if (error instanceof ApiError) {
    say(error.detail);
    for (const problem of error.problems) {
      // The sentence above names the field that is wrong; of a text, file, line and rule are news.
      const told = problem.line === undefined && error.detail.includes(problem.message);
      if (!told) stderr.write(`  ${oneLine(problemText(problem))}\n`);
    }
    if (error.code === 'timeout') return ExitCode.timeout;
    return BY_STATUS[error.status] ?? ExitCode.error;
  }
  if (error instanceof Error && error.name === 'AbortError') return ExitCode.interrupted;
  say(error instanceof Error ? error.message : String(error));
  if (env['FLAGHOIST_DEBUG'] && error instanceof Error) stderr.write(`${error.stack}\n`);
  return ExitCode.error;
}

/**
 * Runs one command. `argv` is what stands after the name of the program. Resolves to the exit code; throws nothing.
 * Everything but `server`, `demo` and `simulate`, which are given, goes through the API of a server.
 */
export async function runCli(argv: readonly string[], { programs, ...io }: RunOptions): Promise<number> {
  // Who reads may have had enough (`| head`): that is no error, and nobody is left to tell.
  io.stdout.on?.('error', ({ code }) => {
    if (code === 'EPIPE') process.exit(ExitCode.ok);
  });
  try {
    const { program, exitCode } = buildProgram(io, programs);
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode();
  } catch (error) {
    return report(error, io);
  }
}
