/** The commands put together. */
import { Command, Option } from 'commander';
import own from '../package.json' with { type: 'json' };
import { type Declared, OPTIONS, type OptionName } from './command.ts';
import { agentCommands } from './commands/agent.ts';
import { alertCommands } from './commands/alert.ts';
import { applyCommands } from './commands/apply.ts';
import { completionCommands } from './commands/completion.ts';
import { configurationCommands } from './commands/configuration.ts';
import { eventCommands } from './commands/events.ts';
import { groupCommands } from './commands/group.ts';
import { type Programs, programCommands } from './commands/programs.ts';
import { pushCommands } from './commands/push.ts';
import { rolloutCommands } from './commands/rollout.ts';
import { rolloutStart } from './commands/rollout-start.ts';
import { rolloutVerbs } from './commands/rollout-verbs.ts';
import { strategyCommands } from './commands/strategy.ts';
import { versionCommands } from './commands/version.ts';
import { webhookCommands } from './commands/webhook.ts';
import type { Io } from './io.ts';
import { bare } from './references.ts';
import { DEFAULT_SERVER, FORMATS, type GlobalOptions, openSession } from './session.ts';

/** What there is commands for, in one group for each. */
const KINDS: Readonly<Record<string, readonly [about: string, commands: readonly Declared[]]>> = {
  agent: ['agents: by id, instance uid or name', agentCommands],
  configuration: ['configurations and their revisions', configurationCommands],
  group: ['groups of agents', groupCommands],
  strategy: ['strategies: how rollouts go', strategyCommands],
  rollout: ['rollouts', [...rolloutStart, ...rolloutCommands, ...rolloutVerbs]],
  alert: ['what is wrong', alertCommands],
  webhook: ['where events are sent', webhookCommands],
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

/** Options that make no sense together: a push goes to one place, only rollouts are watched, a scenario has its agents. */
const CONFLICTS: Readonly<Record<string, string[]>> = {
  agent: ['group', 'fleet', 'watch'],
  group: ['fleet'],
  scenario: ['agents'],
};

function optionOf(taken: string): Option {
  const name = taken.replace('!', '') as OptionName;
  const [flags, about, how] = OPTIONS[name];
  const option = new Option(flags, about).makeOptionMandatory(taken.endsWith('!'));
  // Typed as the singular that it is elsewhere, but a list.
  if (option.variadic) option.attributeName = () => name;
  option.conflicts(CONFLICTS[option.name()] ?? []);
  if (typeof how === 'string') return option.default(how);
  if (typeof how === 'function') return option.argParser<unknown>(how);
  return how === undefined ? option : option.choices(how);
}

/** Runs the command that `argv` asks for. Resolves to the exit code. */
export async function runProgram(argv: readonly string[], io: Io, programs: Programs): Promise<number> {
  const program = emptyProgram(io);
  let code = 0;
  const declare = (parent: Command, { usage, about, takes, run }: Declared): void => {
    const command = parent.command(usage).description(about);
    for (const taken of takes) command.addOption(optionOf(taken));
    for (const argument of command.registeredArguments)
      if (argument.name() in KINDS) argument.argParser(bare(argument.name()));
    command.action(async (...given: unknown[]) => {
      const session = openSession(io, command.optsWithGlobals<GlobalOptions>());
      code = (await run(session, command.opts() as never, ...(given.slice(0, -2) as never[]))) ?? 0;
    });
  };
  for (const one of [...programCommands(programs), ...pushCommands, ...applyCommands]) declare(program, one);
  for (const [name, [about, commands]] of Object.entries(KINDS)) {
    const parent = program.command(name).description(about);
    for (const one of commands) declare(parent, one);
  }
  for (const one of [...eventCommands, ...versionCommands, ...completionCommands(program)]) declare(program, one);
  await program.parseAsync(argv, { from: 'user' });
  return code;
}
