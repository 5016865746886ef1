/** Completion: each shell has a script, which asks by the same command what the last of some words could be. */
import type { Command } from 'commander';
import { command } from '../command.ts';
import { CliError } from '../exit-code.ts';
import type { Session } from '../session.ts';

// Where nothing is found, the shells complete files.
const bash = `_flaghoist() { COMPREPLY=($(flaghoist completion bash -- "\${COMP_WORDS[@]:1:COMP_CWORD}")); }
complete -o default -F _flaghoist flaghoist`;
const SCRIPTS: Readonly<Record<string, string>> = {
  bash,
  zsh: `autoload -Uz compinit bashcompinit && compinit && bashcompinit\n${bash}`,
  fish: `complete -c flaghoist -a '(flaghoist completion fish -- (commandline -opc)[2..] (commandline -ct))'`,
};

/** Commands, or options after a `-`. */
function couldBe(program: Command, words: readonly string[]): string[] {
  const last = words.at(-1) ?? '';
  const command = words
    .slice(0, -1)
    .reduce((inside, word) => inside.commands.find((one) => one.name() === word) ?? inside, program);
  const names = last.startsWith('-')
    ? [...command.options, ...program.options].map(({ long }) => long ?? '')
    : command.commands.map((one) => one.name());
  return names.filter((name) => name.startsWith(last));
}

export function completionCommands(program: Command) {
  const completion = async (session: Session, _: object, shell: string, words: string[]): Promise<undefined> => {
    const script = SCRIPTS[shell];
    if (script === undefined) throw new CliError(`shell ${shell}: give one of ${Object.keys(SCRIPTS).join(', ')}`);
    session.stdout.print(words.length === 0 ? [script] : couldBe(program, words));
  };
  return [command('completion <shell> [words...]', 'print the completion script of bash, zsh or fish', [], completion)];
}
