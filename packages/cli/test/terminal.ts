/** Runs commands as a user would see them. */
import { runCli } from '../src/run.ts';
import { NOW } from './world.ts';

export interface Seen {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface RunAs {
  readonly env?: Readonly<Record<string, string>>;
  /** A terminal of this many columns; otherwise pipes. */
  readonly columns?: number;
  /** What is typed, or piped in. */
  readonly input?: string;
  readonly interrupted?: AbortSignal;
  /** Called with everything that is written, as it comes. */
  readonly onOutput?: (text: string) => void;
}

export async function run(server: string, argv: readonly string[], as: RunAs = {}): Promise<Seen> {
  const written = { out: '', err: '' };
  const isTTY = as.columns !== undefined;
  const output = (stream: 'out' | 'err') => ({
    isTTY,
    columns: as.columns,
    write: (text: string) => {
      written[stream] += text;
      as.onOutput?.(text);
    },
  });
  const input = as.input;
  const io = {
    stdout: output('out'),
    stderr: output('err'),
    env: { FLAGHOIST_SERVER: server, USER: 'ada', ...as.env },
    stdin: Object.assign(
      (async function* () {
        if (input !== undefined) yield input;
      })(),
      { isTTY },
    ),
    now: () => NOW,
    interruption: () => as.interrupted ?? new AbortController().signal,
  };
  const code = await runCli(argv, io, {
    server: async (_, options) => {
      written.out += JSON.stringify(options);
      return 7;
    },
    demo: async () => 0,
    simulate: async () => 0,
  });
  return { code, ...written };
}
