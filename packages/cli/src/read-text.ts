import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { CliError } from './exit-code.ts';
import type { Session } from './session.ts';

/** What people call it. */
export const calledFile = (file: string): string => (file === '-' ? 'stdin' : file);

/** The text of a file, or of standard input for `-`. @throws CliError */
export async function readText({ io }: Session, file: string): Promise<string> {
  if (file === '-') {
    if (io.stdin === undefined) throw new CliError('there is no standard input to read');
    return text(io.stdin);
  }
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new CliError(`cannot read ${file}: ${(cause as Error).message}`, undefined, { cause });
  }
}
