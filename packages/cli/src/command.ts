/** How commands are declared: each says which options it needs and takes, and its function gets just these. */
import type { Session } from './session.ts';

/** Every option once. What is called the same means the same everywhere. */
export const OPTIONS = {
  after: ['--after <number>', 'from the event after this one'],
  agent: ['--agent <agent>', 'to one agent: a pin'],
  author: ['--author <name>', 'who does it (the user of the operating system)'],
  configuration: ['--configuration <configuration>', 'the configuration; made if it is new'],
  dryRun: ['--dry-run', 'only tell what would change'],
  expires: ['--expires <when>', 'a duration such as 2h, or a time'],
  filename: ['-f, --filename <file>', 'file, directory or -'],
  fleet: ['--fleet', 'every group that runs the configuration'],
  follow: ['--follow', 'and what happens from now on'],
  group: ['--group <group>', 'the agents of a group'],
  message: ['-m, --message <text>', 'why'],
  q: ['-q, --q <text>', 'with this in name or id'],
  reason: ['--reason <text>', 'why'],
  rollout: ['--rollout', 'start the rollouts that follow from it'],
  state: ['--state <state>', 'in one state'],
  strategy: ['--strategy <strategy>', 'how the rollout goes'],
  supersede: ['--supersede', 'take over from a rollout that is not finished'],
  timeout: ['--timeout <duration>', 'watch at most that long (exit code 6)'],
  to: ['--to <revision>', 'C@7, C@latest or C@stable:GROUP'],
  view: ['--view <view>', 'desired, offered or effective (effective)'],
  watch: ['--watch', 'stay until it is decided; the exit code is the outcome'],
} as const satisfies Record<string, readonly [flags: string, description: string]>;

export type OptionName = keyof typeof OPTIONS;
/** An option that a command takes; with `!` one that it needs. */
export type Taken = OptionName | `${OptionName}!`;
type Flags<Name extends OptionName> = (typeof OPTIONS)[Name][0];
type Value<Name extends OptionName> = Flags<Name> extends `${string}<${string}` ? string : true;

/** The options of a command, as its function gets them. */
export type Given<Takes extends Taken> = {
  readonly [Name in OptionName as `${Name}!` extends Takes ? Name : never]: Value<Name>;
} & { readonly [Name in OptionName & Takes]?: Value<Name> };

export interface Declared {
  /** Words and arguments as in `agent show <agent>`. */
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
