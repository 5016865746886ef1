/** The long-running programs behind `server`, `demo` and `simulate`; given by who puts the command together. */
import type { Io } from './io.ts';

export interface ServerOptions {
  readonly data: string;
  readonly opampListen: string;
  readonly apiListen: string;
  readonly opsListen: string;
  readonly insecureOpenEnrolment?: boolean;
}

export interface DemoOptions {
  readonly exit?: boolean;
  readonly real?: boolean;
  readonly seed?: string;
}

export interface SimulateOptions {
  readonly agents?: string;
  readonly url: string;
  readonly scenario?: string;
  readonly seed?: string;
}

/** Each loads what it needs when it is called, and resolves to the exit code. */
export interface Programs {
  readonly server: (options: ServerOptions, io: Io) => Promise<number>;
  readonly demo: (options: DemoOptions, io: Io) => Promise<number>;
  readonly simulate: (options: SimulateOptions, io: Io) => Promise<number>;
}
