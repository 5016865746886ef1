import { script } from '@bomb.sh/tab';
import { CliError } from '../exit-code.ts';
import type { Session } from '../session.ts';

const SHELLS: readonly string[] = ['bash', 'zsh', 'fish', 'powershell'];

/** The script of a shell; it asks `flaghoist complete -- WORDS` what could follow. */
export async function completion(session: Session, shell: string): Promise<void> {
  if (!SHELLS.includes(shell)) throw new CliError(`shell ${shell}: give one of ${SHELLS.join(', ')}`);
  // The library prints by console.log and at once: what it prints goes where our output goes.
  const { log } = console;
  console.log = (text: string) => session.io.stdout.write(`${text}\n`);
  try {
    script(shell, 'flaghoist', 'flaghoist');
  } finally {
    console.log = log;
  }
}
