/** The long-running programs behind `server`, `demo` and `simulate`; given by who puts the command line together. */
import { command, type Given, type Taken } from '../command.ts';
import type { Io } from '../io.ts';

const SERVER = ['data!', 'opampListen!', 'apiListen!', 'opsListen!', 'insecureOpenEnrolment', 'webhookAllow'] as const;
const DEMO = ['exit', 'real', 'seed'] as const;
const SIMULATE = ['agents', 'url!', 'scenario', 'seed'] as const;

/** Loads what it needs when it is called, and resolves to the exit code. */
type Program<Takes extends readonly Taken[]> = (session: { io: Io }, options: Given<Takes[number]>) => Promise<number>;

export interface Programs {
  readonly server: Program<typeof SERVER>;
  readonly demo: Program<typeof DEMO>;
  readonly simulate: Program<typeof SIMULATE>;
}

export const programCommands = ({ server, demo, simulate }: Programs) => [
  command('server', 'run the server', SERVER, server),
  command('demo', 'a server, a simulated fleet and a rollout to watch', DEMO, demo),
  command('simulate', 'a simulated fleet that speaks OpAMP to any server', SIMULATE, simulate),
];
