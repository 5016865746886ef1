/** The commands put together. */
import { Command, Option } from 'commander';
import own from '../package.json' with { type: 'json' };
import { type Declared, OPTIONS, type OptionName } from './command.ts';
import { agentCommands } from './commands/agent.ts';
import { applyCommands } from './commands/apply.ts';
import { completionCommands } from './commands/completion.ts';
import { configurationCommands } from './commands/configuration.ts';
import { groupCommands } from './commands/group.ts';
import { otherCommands } from './commands/other.ts';
import { pushCommands } from './commands/push.ts';
import { rolloutCommands } from './commands/rollout.ts';
import { CliError } from './exit-code.ts';
import type { Io } from './io.ts';
import type { Programs } from './programs.ts';
import { DEFAULT_SERVER, type GlobalOptions, Session } from './session.ts';

const PARENTS: readonly (readonly [name: string, about: string])[] = [
  ['agent', 'agents: by id, instance uid or name'],
  ['configuration', 'configurations and their revisions'],
  ['group', 'groups of agents'],
  ['rollout', 'rollouts'],
];

/** What `-l` is for. Elsewhere it is refused: ignored, it would let others be met than those who were meant. */
const SELECTING = ['agent list', 'group agents'];

export interface Built {
  readonly program: Command;
  /** The exit code of the command that ran. */
  exitCode(): number;
}

export function buildProgram(io: Io, programs: Programs): Built {
  let code = 0;
  const program = new Command('flaghoist')
    .description('Pushes configuration to fleets of OpenTelemetry Collectors and proves that they run it')
    .version(own.version)
    .option('-o, --output <format>', 'table, wide, json, yaml or name')
    .option('--no-headers', 'tables without their first line')
    .option('-l, --selector <selector>', 'only what these labels select: role=edge,zone in (a,b),!old')
    .option('--server <url>', `the server (FLAGHOIST_SERVER; ${DEFAULT_SERVER})`)
    .option('--token <token>', 'an API token (FLAGHOIST_TOKEN)')
    .option('--context <name>', 'a server of the contexts file')
    .option('--yes', 'answer questions with yes')
    .option('--quiet', 'no output but data and errors')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) })
    .showHelpAfterError('(--help shows what there is)')
    .hook('preAction', (_, command) => {
      const called = `${command.parent?.name()} ${command.name()}`;
      if (program.opts<GlobalOptions>().selector !== undefined && !SELECTING.includes(called))
        throw new CliError(`-l selects agents for ${SELECTING.join(' and ')}; this command does not take it`);
    })
    .exitOverride();

  const declare = ({ usage, about, takes, run }: Declared): void => {
    const [first = '', ...rest] = usage.split(' ');
    const parent = PARENTS.some(([name]) => name === first) && program.commands.find((one) => one.name() === first);
    const hidden = first === 'complete';
    const command = (parent || program).command(parent ? rest.join(' ') : usage, { hidden }).description(about);
    for (const name of takes) {
      const [flags, what] = OPTIONS[name.replace('!', '') as OptionName];
      command.addOption(new Option(flags, what).makeOptionMandatory(name.endsWith('!')));
    }
    command.action(async (...given: unknown[]) => {
      const args = given.slice(0, -2) as never[];
      const session = new Session(io, command.optsWithGlobals<GlobalOptions>());
      code = (await run(session, command.opts() as never, ...args)) ?? 0;
    });
  };
  declarePrograms(program, io, programs, (exit) => {
    code = exit;
  });
  for (const one of [...pushCommands, ...applyCommands]) declare(one);
  for (const [name, about] of PARENTS) program.command(name).description(about);
  for (const one of [...agentCommands, ...configurationCommands, ...groupCommands, ...rolloutCommands]) declare(one);
  for (const one of [...otherCommands, ...completionCommands(program)]) declare(one);
  return { program, exitCode: () => code };
}

/** `server`, `demo` and `simulate`: given by who puts the program together. */
function declarePrograms(program: Command, io: Io, programs: Programs, ended: (code: number) => void): void {
  const start =
    <Options>(run: (options: Options, io: Io) => Promise<number>) =>
    async (options: Options): Promise<void> =>
      ended(await run(options, io));
  program
    .command('server')
    .description('run the server')
    .option('--data <dir>', 'where it keeps its data', './flaghoist-data')
    .option('--opamp-listen <host:port>', 'agent plane', '127.0.0.1:4320')
    .option('--api-listen <host:port>', 'operator plane', '127.0.0.1:4321')
    .option('--ops-listen <host:port>', 'operations', '127.0.0.1:4322')
    .option('--insecure-open-enrolment', 'let any agent that reaches the agent plane enrol')
    .action(start(programs.server));
  program
    .command('demo')
    .description('a server, a simulated fleet and a rollout to watch')
    .option('--exit', 'end after the rollouts; 0 only if all went as it should')
    .option('--real', 'also start two real Supervisors with Collectors, where they are built')
    .option('--seed <seed>', 'of the simulated fleet')
    .action(start(programs.demo));
  program
    .command('simulate')
    .description('a simulated fleet that speaks OpAMP to any server')
    .option('--agents <n>', 'how many')
    .option('--url <url>', 'OpAMP endpoint', 'ws://127.0.0.1:4320/v1/opamp')
    .option('--scenario <file>', 'who is in the fleet and how they behave')
    .option('--seed <seed>', 'the same seed, the same fleet')
    .action(start(programs.simulate));
}
