import { script } from '@bomb.sh/tab';
import type { Command } from 'commander';
import { command, type Declared } from '../command.ts';
import { CliError } from '../exit-code.ts';
import type { Session } from '../session.ts';

const SHELLS: readonly string[] = ['bash', 'zsh', 'fish', 'powershell'];

/** The script of a shell; it asks `flaghoist complete -- WORDS` what could follow. */
async function completion(session: Session, _: object, shell: string): Promise<undefined> {
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

/**
 * What could follow these words, as the scripts read it: `VALUE\tDESCRIPTION` per line, then `:4`; only `:0` where it is
 * for the shell to complete files.
 */
function complete(program: Command, words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  const command = words
    .slice(0, -1)
    .reduce((inside, word) => inside.commands.find((one) => one.name() === word) ?? inside, program);
  const help = command.createHelp();
  const found = last.startsWith('-')
    ? [...help.visibleOptions(command), ...help.visibleGlobalOptions(command)].map(
        ({ long, description }) => [long ?? '', description] as const,
      )
    : help.visibleCommands(command).map((one) => [one.name(), one.description()] as const);
  const lines = found
    .filter(([value]) => value.startsWith(last))
    .map(([value, description]) => `${value}\t${description}\n`);
  return `${lines.join('')}:${lines.length === 0 ? 0 : 4}\n`;
}

export function completionCommands(program: Command): readonly Declared[] {
  return [
    command('completion <shell>', 'print the completion script of bash, zsh, fish or powershell', [], completion),
    command('complete [words...]', 'what could follow', [], async (session, _: object, words: string[]) => {
      session.out(complete(program, words));
      return undefined;
    }),
  ];
}
