/** The commands and their options. What they do is loaded when one of them runs, so that starting is quick. */
import { Command, Option } from 'commander';
import own from '../package.json' with { type: 'json' };
import type { Io } from './io.ts';
import type { Programs } from './programs.ts';
import { DEFAULT_SERVER, type GlobalOptions, Session } from './session.ts';

/** Loads the module of a command. What it does gets the session, then what commander gives: arguments, options, command. */
type Act = <Module extends object>(
  load: () => Promise<Module>,
  name: keyof Module,
) => (...given: unknown[]) => Promise<void>;

export interface Built {
  readonly program: Command;
  /** The exit code of the command that ran. */
  exitCode(): number;
}

function declare(parent: Command, usage: string, description: string): Command {
  return parent.command(usage).description(description);
}

export function buildProgram(io: Io, programs: Programs): Built {
  let code = 0;
  const act: Act =
    (load, name) =>
    async (...given) => {
      const command = given.at(-1) as Command;
      const session = new Session(io, command.optsWithGlobals<GlobalOptions>());
      const run = (await load())[name] as (...given: unknown[]) => Promise<unknown>;
      const result = await run(session, ...given);
      code = typeof result === 'number' ? result : 0;
    };
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
    .exitOverride();

  declarePrograms(program, io, programs, (exit) => {
    code = exit;
  });
  declarePushes(program, act);
  declareAgents(program, act);
  declareObjects(program, act);
  declareRollouts(program, act);
  declareOthers(program, act);
  return { program, exitCode: () => code };
}

function declarePrograms(program: Command, io: Io, programs: Programs, ended: (code: number) => void): void {
  const start =
    <Options>(run: (options: Options, io: Io) => Promise<number>) =>
    async (options: Options): Promise<void> =>
      ended(await run(options, io));
  declare(program, 'server', 'run the server')
    .option('--data <dir>', 'where it keeps its data', './flaghoist-data')
    .option('--opamp-listen <host:port>', 'agent plane', '127.0.0.1:4320')
    .option('--api-listen <host:port>', 'operator plane', '127.0.0.1:4321')
    .option('--ops-listen <host:port>', 'operations', '127.0.0.1:4322')
    .option('--insecure-open-enrolment', 'let any agent that reaches the agent plane enrol')
    .action(start(programs.server));
  declare(program, 'demo', 'a server, a simulated fleet and a rollout to watch')
    .option('--exit', 'end after the rollouts; 0 only if all went as it should')
    .option('--real', 'also start two real Supervisors with Collectors, where they are built')
    .option('--seed <seed>', 'of the simulated fleet')
    .action(start(programs.demo));
  declare(program, 'simulate', 'a simulated fleet that speaks OpAMP to any server')
    .option('--agents <n>', 'how many')
    .option('--url <url>', 'OpAMP endpoint', 'ws://127.0.0.1:4320/v1/opamp')
    .option('--scenario <file>', 'who is in the fleet and how they behave')
    .option('--seed <seed>', 'the same seed, the same fleet')
    .action(start(programs.simulate));
}

const author = (): Option => new Option('--author <name>', 'who does it (the user of the operating system)');
const message = (): Option => new Option('-m, --message <text>', 'why');
const watch = (): Option => new Option('--watch', 'stay until it is decided; the exit code is the outcome');
const timeout = (): Option => new Option('--timeout <duration>', 'watch at most that long (exit code 6)');

function declarePushes(program: Command, act: Act): void {
  const pushes = () => import('./commands/push.ts');
  const files = () => import('./commands/apply.ts');
  declare(program, 'push', 'save a text as a revision and send it out: to a group, an agent or the fleet')
    .argument('<file>', 'the text; - for standard input')
    .requiredOption('--configuration <configuration>', 'the configuration; made if it is new')
    .option('--group <group>', 'to every agent of a group')
    .option('--agent <agent>', 'to one agent: a pin')
    .option('--fleet', 'to every group that runs the configuration')
    .option('--strategy <strategy>', 'how the rollout goes')
    .addOption(author())
    .addOption(message().makeOptionMandatory())
    .option('--supersede', 'take over from a rollout that is not finished')
    .addOption(watch())
    .addOption(timeout())
    .action(act(pushes, 'push'));
  declare(program, 'apply', 'make configurations and groups as files say')
    .requiredOption('-f, --filename <file>', 'file, directory or -')
    .option('--dry-run', 'only tell what would change')
    .addOption(message())
    .addOption(author())
    .option('--rollout', 'start the rollouts that follow from it')
    .option('--supersede', 'take over from rollouts that are not finished')
    .action(act(files, 'apply'));
  declare(program, 'diff', 'compare files with the server: exit code 0 same, 1 different')
    .requiredOption('-f, --filename <file>', 'file, directory or -')
    .action(act(files, 'diff'));
}

function declareAgents(program: Command, act: Act): void {
  const agents = () => import('./commands/agent.ts');
  const agent = declare(program, 'agent', 'agents: by id, instance uid or name');
  declare(agent, 'list', 'list agents')
    .option('--group <group>', 'of one group')
    .option('--state <state>', 'in one state')
    .option('-q, --query <text>', 'with this in name or id')
    .action(act(agents, 'list'));
  declare(agent, 'show <agent>', 'show an agent with its ledger').action(act(agents, 'show'));
  declare(agent, 'config <agent>', 'show its configuration')
    .option('--view <view>', 'desired, offered or effective', 'effective')
    .action(act(agents, 'config'));
  declare(agent, 'timeline <agent>', 'show what happened to it').action(act(agents, 'timeline'));
  declare(agent, 'label <agent> <changes...>', 'set labels (role=edge) or remove them (role-)')
    .addOption(author())
    .action(act(agents, 'label'));
  declare(agent, 'pin <agent>', 'push a revision to this agent alone')
    .requiredOption('--to <revision>', 'C@7, C@latest or C@stable:GROUP')
    .requiredOption('--reason <text>', 'why')
    .option('--expires <when>', 'a duration such as 2h, or a time')
    .addOption(author())
    .action(act(agents, 'pin'));
  const verbs = [
    ['unpin', 'give it back to its group', 'unpin'],
    ['restart', 'restart its collector', 'restart'],
    ['retry', 'offer it again what it refused', 'retry'],
    ['delete', 'forget it', 'remove'],
  ] as const;
  for (const [verb, description, name] of verbs) {
    declare(agent, `${verb} <agent>`, description).addOption(author()).action(act(agents, name));
  }
}

function declareObjects(program: Command, act: Act): void {
  const configurations = () => import('./commands/configuration.ts');
  const configuration = declare(program, 'configuration', 'configurations and their revisions');
  declare(configuration, 'list', 'list configurations').action(act(configurations, 'list'));
  declare(configuration, 'history <configuration>', 'list revisions, newest first').action(
    act(configurations, 'history'),
  );
  declare(configuration, 'show <revision>', 'show a text: C, C@7, C@latest or C@stable:GROUP').action(
    act(configurations, 'show'),
  );
  declare(
    configuration,
    'diff <revision> <other-revision>',
    'compare two revisions: exit code 0 same, 1 different',
  ).action(act(configurations, 'diff'));

  const groups = () => import('./commands/group.ts');
  const group = declare(program, 'group', 'groups of agents');
  declare(group, 'list', 'list groups').action(act(groups, 'list'));
  declare(group, 'show <group>', 'show a group').action(act(groups, 'show'));
  declare(group, 'agents <group>', 'list its agents').action(act(groups, 'agents'));
}

function declareRollouts(program: Command, act: Act): void {
  const rollouts = () => import('./commands/rollout.ts');
  const rollout = declare(program, 'rollout', 'rollouts');
  declare(rollout, 'start', 'move a group, or the fleet, to a revision')
    .option('--group <group>', 'every agent of a group')
    .option('--fleet', 'every group that runs the configuration')
    .requiredOption('--to <revision>', 'C@7, C@latest or C@stable:GROUP')
    .option('--strategy <strategy>', 'how it goes')
    .option('--max-in-flight <share>', 'agents that may hold it without proof at one time: 10 or 25%')
    .option('--max-failed <share>', 'failures after which it pauses')
    .option('--apply-timeout <duration>', 'time for a verdict')
    .option('--min-healthy-time <duration>', 'time to be healthy before it counts')
    .addOption(
      new Option('--require-effective <when>', 'whether the effective config must agree').choices([
        'never',
        'ifReported',
        'always',
      ]),
    )
    .addOption(author())
    .addOption(message())
    .option('--supersede', 'take over from a rollout that is not finished')
    .addOption(watch())
    .addOption(timeout())
    .action(act(rollouts, 'start'));
  declare(rollout, 'list', 'list rollouts, newest first')
    .option('--group <group>', 'of one group')
    .option('--state <state>', 'in one state')
    .action(act(rollouts, 'list'));
  declare(rollout, 'status <rollout>', 'show how far a rollout is')
    .addOption(watch())
    .addOption(timeout())
    .action(act(rollouts, 'status'));
  declare(rollout, 'targets <rollout>', 'list what became of each agent')
    .option('--state <state>', 'in one state')
    .action(act(rollouts, 'targets'));
}

function declareOthers(program: Command, act: Act): void {
  declare(program, 'events', 'what happened')
    .option('--follow', 'and what happens from now on')
    .option('--after <number>', 'from the event after this one')
    .action(act(() => import('./commands/events.ts'), 'events'));
  declare(
    program,
    'check <file>',
    'find what is wrong with a text, offline; -o text, json, junit or github',
  ).action(act(() => import('./commands/check.ts'), 'check'));
  declare(program, 'version', 'versions of this program and of the server').action(
    act(() => import('./commands/version.ts'), 'version'),
  );
  declare(program, 'completion', 'print the completion script of a shell')
    .argument('<shell>', 'bash, zsh, fish or powershell')
    .action(act(() => import('./commands/completion.ts'), 'completion'));
  program
    .command('complete', { hidden: true })
    .argument('[words...]')
    .allowUnknownOption()
    .action(act(() => import('./completion/complete.ts'), 'complete'));
}
