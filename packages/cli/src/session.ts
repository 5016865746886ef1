/** One run of a command: where its output goes, what was asked globally, and the client of the server. */
import { createClient } from '@flaghoist/api';
import { CliError, ExitCode } from './exit-code.ts';
import type { Io } from './io.ts';
import { screenOn } from './output/screen.ts';
import { oneLine } from './output/text.ts';

export const FORMATS = ['table', 'wide', 'json', 'yaml', 'name'] as const;

export interface GlobalOptions {
  readonly output: (typeof FORMATS)[number];
  /** False for `--no-headers`. */
  readonly headers: boolean;
  readonly server?: string;
  readonly yes?: boolean;
  readonly quiet?: boolean;
}

export const DEFAULT_SERVER = 'http://127.0.0.1:4321';
const NOWHERE = { write: () => undefined };

/** @throws CliError when the address of the server is none */
export function openSession(io: Io, options: GlobalOptions) {
  const stdout = screenOn(io.stdout, io.env);
  const baseUrl = checkedUrl(options.server ?? (io.env['FLAGHOIST_SERVER'] || DEFAULT_SERVER));
  return {
    io,
    options,
    stdout,
    /** Everything that is not data; nowhere with `--quiet`. */
    stderr: screenOn(options.quiet ? NOWHERE : io.stderr, io.env),
    baseUrl,
    client: createClient({ baseUrl }),

    /** What a command just did, at once, so that it is known how far it got; nothing where machines read. */
    say(...lines: string[]): void {
      if (options.output === 'table' || options.output === 'wide') stdout.print(lines);
    },

    /** Asks at a terminal; anywhere else, and with `--yes`, the answer is yes. @throws CliError when it is no. */
    async confirm(question: string): Promise<void> {
      const { stdin, stderr } = io;
      if (options.yes || !stdin.isTTY || !stderr.isTTY) return;
      stderr.write(oneLine(`${question} [y/N] `));
      for await (const chunk of stdin) {
        if (/^\s*y(es)?\s*$/i.test(String(chunk).split('\n')[0] ?? '')) return;
        break;
      }
      throw new CliError('nothing was changed', ExitCode.negative);
    },
  };
}

export type Session = Readonly<ReturnType<typeof openSession>>;

function checkedUrl(text: string): string {
  const url = text.includes('://') ? text : `http://${text}`;
  if (URL.canParse(url) && /^https?:/.test(url)) return url;
  throw new CliError(`server ${JSON.stringify(text)}: give an address such as ${DEFAULT_SERVER}`);
}
