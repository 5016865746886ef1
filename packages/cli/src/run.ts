import { ApiError, type ProblemDetail } from '@flaghoist/api';
import { CommanderError } from 'commander';
import type { Programs } from './commands/programs.ts';
import { CliError, ExitCode } from './exit-code.ts';
import type { Io } from './io.ts';
import { screenOn } from './output/screen.ts';
import { oneLine } from './output/text.ts';
import { runProgram } from './program.ts';

/** Exit codes of what the server refuses, by HTTP status. */
const BY_STATUS: Readonly<Record<number, number>> = {
  401: ExitCode.notAllowed,
  403: ExitCode.notAllowed,
  404: ExitCode.notFound,
  409: ExitCode.conflict,
  412: ExitCode.conflict,
  422: ExitCode.negative,
};

function exitCodeOf(error: unknown): number {
  if (!(error instanceof ApiError)) return error instanceof CliError ? error.exitCode : ExitCode.error;
  return error.code === 'timeout' ? ExitCode.timeout : (BY_STATUS[error.status] ?? ExitCode.error);
}

function problemText({ file, line, column, path, rule, message }: ProblemDetail): string {
  const place = line === undefined ? path : `${file || 'config'}:${line}:${column}`;
  return [place, rule, message].filter((word) => word !== undefined).join(': ');
}

/** What went wrong and, of a text, where: a line each. */
function complaint(error: unknown): string[] {
  const message = `flaghoist: ${error instanceof Error ? error.message : String(error)}`;
  if (!(error instanceof ApiError)) return [message];
  // The sentence names the field that is wrong; of a text, file, line and rule are news.
  const news = error.problems.filter((one) => one.line !== undefined || !error.detail.includes(one.message));
  return [message, ...news.map((one) => `  ${problemText(one)}`)];
}

/**
 * Runs one command. `argv` is what stands after the name of the program. Resolves to the exit code; throws nothing.
 * Everything but `server`, `demo` and `simulate`, which are given, goes through the API of a server.
 */
export async function runCli(argv: readonly string[], io: Io, programs: Programs): Promise<number> {
  // Who reads may have had enough (`| head`): that is no error, and nobody is left to tell.
  for (const output of [io.stdout, io.stderr]) {
    output.on?.('error', ({ code }) => {
      if (code === 'EPIPE') process.exit(ExitCode.ok);
    });
  }
  try {
    return await runProgram(argv, io, programs);
  } catch (error) {
    // Of what was typed wrong it has told already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.ok : ExitCode.error;
    screenOn(io.stderr, io.env).print(complaint(error).map(oneLine));
    return exitCodeOf(error);
  }
}
