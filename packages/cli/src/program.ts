/** The commands put together. */
import { Command, Option } from 'commander';
import own from '../package.json' with { type: 'json' };
import { type Declared, OPTIONS, type OptionName } from './command.ts';
import { agentCommands } from './commands/agent.ts';
import { applyCommands } from './commands/apply.ts';
import { completionCommands } from './commands/completion.ts';
import { configurationCommands } from './commands/configuration.ts';
import { eventCommands } from './commands/events.ts';
import { groupCommands } from './commands/group.ts';
import { type Programs, programCommands } from './commands/programs.ts';
import { pushCommands } from './commands/push.ts';
import { rolloutCommands } from './commands/rollout.ts';
import { versionCommands } from './commands/version.ts';
import type { Io } from './io.ts';
import { DEFAULT_SERVER, FORMATS, type GlobalOptions, Session } from './session.ts';

const PARENTS: Readonly<Record<string, string>> = {
  agent: 'agents: by id, instance uid or name',
  configuration: 'configurations and their revisions',
  group: 'groups of agents',
  rollout: 'rollouts',
};

function emptyProgram({ stdout, stderr }: Io): Command {
  const output = new Option('-o, --output <format>', 'how data is printed').choices(FORMATS).default('table');
  return new Command('flaghoist')
    .description('Pushes configuration to fleets of OpenTelemetry Collectors and proves that they run it')
    .version(own.version)
    .addOption(output)
    .option('--no-headers', 'tables without their first line')
    .option('--server <url>', `the server (FLAGHOIST_SERVER; ${DEFAULT_SERVER})`)
    .option('--yes', 'answer questions with yes')
    .option('--quiet', 'no output but data and errors')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error/, 'flaghoist')),
    })
    .showHelpAfterError('(--help shows what there is)')
    .exitOverride();
}

/** A push and a rollout have one. */
const DESTINATIONS = ['agent', 'group', 'fleet'];

function optionOf(taken: string): Option {
  const [flags, about, how] = OPTIONS[taken.replace('!', '') as OptionName];
  const option = new Option(flags, about).makeOptionMandatory(taken.endsWith('!'));
  if (DESTINATIONS.includes(option.name())) option.conflicts(DESTINATIONS.filter((name) => name !== option.name()));
  if (typeof how === 'string') return option.default(how);
  if (typeof how === 'function') return option.argParser<unknown>(how);
  return how === undefined ? option : option.choices(how);
}

/** Runs the command that `argv` asks for. Resolves to the exit code. */
export async function runProgram(argv: readonly string[], io: Io, programs: Programs): Promise<number> {
  const program = emptyProgram(io);
  let code = 0;
  const declare = ({ usage, about, takes, run }: Declared): void => {
    const [first = '', ...rest] = usage.split(' ');
    const parent = first in PARENTS ? program.commands.find((one) => one.name() === first) : undefined;
    const command = parent === undefined ? program.command(usage) : parent.command(rest.join(' '));
    command.description(about).action(async (...given: unknown[]) => {
      const session = new Session(io, command.optsWithGlobals<GlobalOptions>());
      code = (await run(session, command.opts() as never, ...(given.slice(0, -2) as never[]))) ?? 0;
    });
    for (const taken of takes) command.addOption(optionOf(taken));
  };
  for (const one of [...programCommands(programs), ...pushCommands, ...applyCommands]) declare(one);
  for (const [name, about] of Object.entries(PARENTS)) program.command(name).description(about);
  for (const one of [...agentCommands, ...configurationCommands, ...groupCommands, ...rolloutCommands]) declare(one);
  for (const one of [...eventCommands, ...versionCommands, ...completionCommands(program)]) declare(one);
  await program.parseAsync(argv, { from: 'user' });
  return code;
}
