/** Completion: each shell has a script that asks `flaghoist complete WORDS…` what could be the last of these words. */
import type { Command } from 'commander';
import { command } from '../command.ts';
import { CliError } from '../exit-code.ts';

// Where nothing is found, the shells complete files.
const bash = `_flaghoist() { COMPREPLY=($(flaghoist complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}")); }
complete -o default -F _flaghoist flaghoist
`;
const SCRIPTS: Readonly<Record<string, string>> = {
  bash,
  zsh: `autoload -Uz compinit bashcompinit && compinit && bashcompinit\n${bash}`,
  fish: `complete -c flaghoist -a '(flaghoist complete -- (commandline -opc)[2..] (commandline -ct))'\n`,
};

/** Commands, or options after a `-`. */
function couldFollow(program: Command, words: readonly string[]): string[] {
  const begun = words.at(-1) ?? '';
  const command = words
    .slice(0, -1)
    .reduce((inside, word) => inside.commands.find((one) => one.name() === word) ?? inside, program);
  const help = command.createHelp();
  const options = [...help.visibleOptions(command), ...help.visibleGlobalOptions(command)].map(
    ({ long }) => long ?? '',
  );
  const names = begun.startsWith('-') ? options : help.visibleCommands(command).map((one) => one.name());
  return names.filter((name) => name.startsWith(begun));
}

export const completionCommands = (program: Command) => [
  command(
    'completion <shell>',
    'print the completion script of bash, zsh or fish',
    [],
    async (session, _, shell: string) => {
      const script = SCRIPTS[shell];
      if (script === undefined) throw new CliError(`shell ${shell}: give one of ${Object.keys(SCRIPTS).join(', ')}`);
      session.stdout.foreign(script);
      return undefined;
    },
  ),
  command('complete [words...]', 'what could follow', [], async (session, _, words: string[]) => {
    session.stdout.print(
      couldFollow(program, words)
        .map((word) => `${word}\n`)
        .join(''),
    );
    return undefined;
  }),
];
