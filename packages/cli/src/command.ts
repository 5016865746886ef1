/** How commands are declared: each says which options it needs and takes, and its function gets just these. */
import { userInfo } from 'node:os';
import { AGENT_STATES, ALERT_KINDS, parseDuration, ROLLOUT_STATES, TARGET_STATES } from '@flaghoist/fleet';
import { InvalidArgumentError } from 'commander';
import { bare } from './references.ts';
import type { Session } from './session.ts';

/**
 * Every option once; what is called the same means the same everywhere. The third is what it is when it is not given
 * (a text), what it may be (a list), or how it is read (a function).
 */
export const OPTIONS = {
  after: ['--after <number>', 'from the event after this one', wholeNumber],
  agent: ['--agent <agent>', 'to one agent: a pin', bare('agent')],
  agents: ['--agents <number>', 'how many', wholeNumber],
  agentState: ['--state <state>', 'in one state', AGENT_STATES],
  alertKind: ['--kind <kind>', 'of one kind', ALERT_KINDS],
  alertRollout: ['--rollout <rollout>', 'of one rollout', bare('rollout')],
  alertState: ['--state <state>', 'in one state', ['active', 'resolved']],
  apiListen: ['--api-listen <host:port>', 'operator plane', '127.0.0.1:4321'],
  atOnce: ['--at-once', 'also those that look healthy, all at a time'],
  author: ['--author <name>', 'who does it', userOfTheSystem()],
  configuration: ['--configuration <configuration>', 'the configuration; made if it is new', bare('configuration')],
  data: ['--data <dir>', 'where it keeps its data', './flaghoist-data'],
  dryRun: ['--dry-run', 'only tell what would change'],
  exit: ['--exit', 'end after the rollouts; 0 only if all went as it should'],
  expires: ['--expires <duration>', 'only for so long', duration],
  failedAgents: ['--agent <agents...>', 'agents that failed: by id, instance uid or name'],
  filename: ['-f, --filename <file>', 'file, directory or -'],
  fleet: ['--fleet', 'every group that runs the configuration'],
  follow: ['--follow', 'and what happens from now on'],
  group: ['--group <group>', 'the agents of a group', bare('group')],
  insecureOpenEnrolment: ['--insecure-open-enrolment', 'let any agent that reaches the agent plane enrol'],
  leaveMixed: ['--leave-mixed', 'leave the new revision with those who have it'],
  message: ['-m, --message <text>', 'why'],
  opampListen: ['--opamp-listen <host:port>', 'agent plane', '127.0.0.1:4320'],
  opsListen: ['--ops-listen <host:port>', 'operations', '127.0.0.1:4322'],
  plan: ['--plan <file>', 'run the very plan that --dry-run -o json wrote, or nothing'],
  q: ['-q, --q <text>', 'with this in name or id'],
  real: ['--real', 'also start two real Supervisors with Collectors, where they are built'],
  reason: ['--reason <text>', 'why'],
  rollout: ['--rollout', 'start the rollouts that follow from it'],
  rolloutState: ['--state <state>', 'in one state', ROLLOUT_STATES],
  scenario: ['--scenario <file>', 'who is in the fleet and how they behave'],
  seed: ['--seed <number>', 'the same seed, the same fleet', wholeNumber],
  selector: ['-l, --selector <selector>', 'only what these labels select: role=edge,zone in (a,b),!old'],
  strategy: ['--strategy <strategy>', 'how the rollout goes'],
  supersede: ['--supersede', 'take over from a rollout that is not finished'],
  targetState: ['--state <state>', 'in one state', ['pending', ...TARGET_STATES]],
  timeout: ['--timeout <duration>', 'watch at most that long (exit code 6)', duration],
  to: ['--to <revision>', 'C@7, C@latest or C@stable:GROUP'],
  url: ['--url <url>', 'OpAMP endpoint', 'ws://127.0.0.1:4320/v1/opamp'],
  view: ['--view <view>', 'which (effective)', ['desired', 'offered', 'effective']],
  webhookAllow: ['--webhook-allow <networks>', 'networks of your own that webhooks may go to: 10.0.0.0/8,127.0.0.1'],
  watch: ['--watch', 'stay until it has ended, also through gates; 0: succeeded, 1: not, 6: --timeout'],
} as const satisfies Record<
  string,
  readonly [flags: string, about: string, how?: string | readonly string[] | ((text: string) => unknown)]
>;

function wholeNumber(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Give a whole number.');
}

/** Milliseconds. */
function duration(text: string): number {
  const millis = parseDuration(text);
  if (millis) return millis;
  throw new InvalidArgumentError('Give a duration such as 10m or 2h.');
}

function userOfTheSystem(): string {
  try {
    return userInfo().username;
  } catch {
    // In a container the user may have no entry.
    return process.env['USER'] ?? 'unknown';
  }
}

export type OptionName = keyof typeof OPTIONS;
/** An option that a command takes; with `!` one that it needs, or that has a value when it is not given. */
export type Taken = OptionName | `${OptionName}!`;

type How<Name extends OptionName> = (typeof OPTIONS)[Name][2 & keyof (typeof OPTIONS)[Name]];
type Value<Name extends OptionName> =
  How<Name> extends (text: string) => infer Read
    ? Read
    : How<Name> extends readonly (infer Choice)[]
      ? Choice
      : (typeof OPTIONS)[Name][0] extends `${string}...>`
        ? readonly string[]
        : (typeof OPTIONS)[Name][0] extends `${string}<${string}`
          ? string
          : true;

/** The options of a command, as its function gets them. */
export type Given<Takes extends Taken> = {
  readonly [Name in OptionName as `${Name}!` extends Takes ? Name : never]: Value<Name>;
} & { readonly [Name in OptionName & Takes]?: Value<Name> };

export interface Declared {
  /** Name and arguments as in `show <agent>`. */
  readonly usage: string;
  readonly about: string;
  readonly takes: readonly Taken[];
  /** Resolves to the exit code; to nothing for 0. */
  readonly run: (session: Session, options: never, ...args: never[]) => Promise<number | undefined>;
}

export function command<Args extends unknown[], Takes extends Taken = never>(
  usage: string,
  about: string,
  takes: readonly Takes[],
  run: (session: Session, options: Given<Takes>, ...args: Args) => Promise<number | undefined>,
): Declared {
  return { usage, about, takes, run: run as never };
}
