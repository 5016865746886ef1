/** The commands and their options. What they do is loaded when one of them runs, so that starting is quick. */
import { Command, Option } from 'commander';
import own from '../package.json' with { type: 'json' };
import type { Io } from './io.ts';
import type { Programs } from './programs.ts';
import { DEFAULT_SERVER, type GlobalOptions, Session } from './session.ts';

/** What a command does with its arguments; a number is the exit code, nothing means 0. */
type Run = (session: Session, args: string[], options: never) => Promise<unknown>;

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
  const act =
    (run: Run) =>
    async (...given: unknown[]): Promise<void> => {
      const command = given.at(-1) as Command;
      const session = new Session(io, command.optsWithGlobals<GlobalOptions>());
      const args = given
        .slice(0, -2)
        .flat()
        .filter((argument) => argument !== undefined) as string[];
      const result = await run(session, args, command.opts() as never);
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

type Act = (run: Run) => (...given: unknown[]) => Promise<void>;

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
    .action(act(async (session, [file = ''], options) => (await pushes()).push(session, file, options)));
  declare(program, 'apply', 'make configurations and groups as files say')
    .requiredOption('-f, --filename <file>', 'file, directory or -')
    .option('--dry-run', 'only tell what would change')
    .addOption(message())
    .addOption(author())
    .option('--rollout', 'start the rollouts that follow from it')
    .option('--supersede', 'take over from rollouts that are not finished')
    .action(act(async (session, _, options) => (await files()).apply(session, options)));
  declare(program, 'diff', 'compare files with the server: exit code 0 same, 1 different')
    .requiredOption('-f, --filename <file>', 'file, directory or -')
    .action(act(async (session, _, options) => (await files()).diff(session, options)));
}

function declareAgents(program: Command, act: Act): void {
  const agents = () => import('./commands/agent.ts');
  const agent = declare(program, 'agent', 'agents: by id, instance uid or name');
  declare(agent, 'list', 'list agents')
    .option('--group <group>', 'of one group')
    .option('--state <state>', 'in one state')
    .option('-q, --query <text>', 'with this in name or id')
    .action(act(async (session, _, options) => (await agents()).list(session, options)));
  declare(agent, 'show <agent>', 'show an agent with its ledger').action(
    act(async (session, [id = '']) => (await agents()).show(session, id)),
  );
  declare(agent, 'config <agent>', 'show its configuration')
    .option('--view <view>', 'desired, offered or effective', 'effective')
    .action(act(async (session, [id = ''], options) => (await agents()).config(session, id, options)));
  declare(agent, 'timeline <agent>', 'show what happened to it').action(
    act(async (session, [id = '']) => (await agents()).timeline(session, id)),
  );
  declare(agent, 'label <agent> <changes...>', 'set labels (role=edge) or remove them (role-)')
    .addOption(author())
    .action(
      act(async (session, [id = '', ...changes], options) =>
        (await agents()).label(session, id, changes, options),
      ),
    );
  declare(agent, 'pin <agent>', 'push a revision to this agent alone')
    .requiredOption('--to <revision>', 'C@7, C@latest or C@stable:GROUP')
    .requiredOption('--reason <text>', 'why')
    .option('--expires <when>', 'a duration such as 2h, or a time')
    .addOption(author())
    .action(act(async (session, [id = ''], options) => (await agents()).pin(session, id, options)));
  const verbs = [
    ['unpin', 'give it back to its group', 'unpin'],
    ['restart', 'restart its collector', 'restart'],
    ['retry', 'offer it again what it refused', 'retry'],
    ['delete', 'forget it', 'remove'],
  ] as const;
  for (const [verb, description, name] of verbs) {
    declare(agent, `${verb} <agent>`, description)
      .addOption(author())
      .action(act(async (session, [id = ''], options) => (await agents())[name](session, id, options)));
  }
}

function declareObjects(program: Command, act: Act): void {
  const configurations = () => import('./commands/configuration.ts');
  const configuration = declare(program, 'configuration', 'configurations and their revisions');
  declare(configuration, 'list', 'list configurations').action(
    act(async (session) => (await configurations()).list(session)),
  );
  declare(configuration, 'history <configuration>', 'list revisions, newest first').action(
    act(async (session, [name = '']) => (await configurations()).history(session, name)),
  );
  declare(configuration, 'show <revision>', 'show a text: C, C@7, C@latest or C@stable:GROUP').action(
    act(async (session, [name = '']) => (await configurations()).show(session, name)),
  );
  declare(
    configuration,
    'diff <revision> <other-revision>',
    'compare two revisions: exit code 0 same, 1 different',
  ).action(act(async (session, [from = '', to = '']) => (await configurations()).diff(session, from, to)));

  const groups = () => import('./commands/group.ts');
  const group = declare(program, 'group', 'groups of agents');
  declare(group, 'list', 'list groups').action(act(async (session) => (await groups()).list(session)));
  declare(group, 'show <group>', 'show a group').action(
    act(async (session, [name = '']) => (await groups()).show(session, name)),
  );
  declare(group, 'agents <group>', 'list its agents').action(
    act(async (session, [name = '']) => (await groups()).agents(session, name)),
  );
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
    .action(act(async (session, _, options) => (await rollouts()).start(session, options)));
  declare(rollout, 'list', 'list rollouts, newest first')
    .option('--group <group>', 'of one group')
    .option('--state <state>', 'in one state')
    .action(act(async (session, _, options) => (await rollouts()).list(session, options)));
  declare(rollout, 'status <rollout>', 'show how far a rollout is')
    .addOption(watch())
    .addOption(timeout())
    .action(act(async (session, [id = ''], options) => (await rollouts()).status(session, id, options)));
  declare(rollout, 'targets <rollout>', 'list what became of each agent')
    .option('--state <state>', 'in one state')
    .action(act(async (session, [id = ''], options) => (await rollouts()).targets(session, id, options)));
}

function declareOthers(program: Command, act: Act): void {
  declare(program, 'events', 'what happened')
    .option('--follow', 'and what happens from now on')
    .option('--after <number>', 'from the event after this one')
    .action(
      act(async (session, _, options) => (await import('./commands/events.ts')).events(session, options)),
    );
  declare(
    program,
    'check <file>',
    'find what is wrong with a text, offline; -o text, json, junit or github',
  ).action(act(async (session, [file = '']) => (await import('./commands/check.ts')).check(session, file)));
  declare(program, 'version', 'versions of this program and of the server').action(
    act(async (session) => (await import('./commands/version.ts')).version(session)),
  );
  declare(program, 'completion', 'print the completion script of a shell')
    .argument('<shell>', 'bash, zsh, fish or powershell')
    .action(
      act(async (session, [shell = '']) =>
        (await import('./commands/completion.ts')).completion(session, shell),
      ),
    );
  program
    .command('complete', { hidden: true })
    .argument('[words...]')
    .allowUnknownOption()
    .action(
      act(async (session, words) =>
        (await import('./completion/complete.ts')).complete(session, program, words),
      ),
    );
}
