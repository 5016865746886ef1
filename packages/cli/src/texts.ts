/** The texts of configurations, from files or standard input. */
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { ApiError } from '@flaghoist/api';
import { type ConfigFiles, checkText } from '@flaghoist/fleet';
import { CliError } from './exit-code.ts';
import { plural } from './output/text.ts';
import type { Session } from './session.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A text in another encoding would be saved with other characters than it has. */
function textIn(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new Error('it is not UTF-8 text', { cause });
  }
}

export const fileText = async (path: string): Promise<string> => textIn(await readFile(path));

/** What people call it. */
export const calledFile = (file: string): string => (file === '-' ? 'stdin' : file);

/** The text of a file, or of standard input for `-`. @throws CliError */
export async function readText({ io }: Session, file: string): Promise<string> {
  try {
    return file === '-' ? textIn(await buffer(io.stdin)) : await fileText(file);
  } catch (cause) {
    throw new CliError(`cannot read ${file}: ${(cause as Error).message}`, undefined, { cause });
  }
}

/** @throws ApiError with what is wrong, as the server would; but it names the files that the texts are in */
export function checkTexts(configuration: string, files: ConfigFiles, placeOf: (file: string) => string): void {
  const problems = checkText(files).map((problem) => ({ ...problem, file: placeOf(problem.file) }));
  if (problems.length === 0) return;
  const detail = `${configuration} was not saved: ${plural(problems.length, 'problem')}`;
  throw new ApiError('invalid-config', detail, problems);
}
