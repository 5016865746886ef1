/** One run of a command: where its output goes, what was asked globally, and the client of the server. */
import { userInfo } from 'node:os';
import { type Client, createClient } from '@flaghoist/api';
import { contextNamed } from './contexts.ts';
import { CliError, ExitCode } from './exit-code.ts';
import type { Io, Output } from './io.ts';
import { type Style, styleFor } from './output/style.ts';
import type { TableOptions } from './output/table.ts';
import { paintedLines, plainLines } from './output/text.ts';
import type { Canvas } from './progress/view.ts';

export interface GlobalOptions {
  readonly output?: string | undefined;
  /** False for `--no-headers`. */
  readonly headers?: boolean | undefined;
  readonly selector?: string | undefined;
  readonly server?: string | undefined;
  readonly token?: string | undefined;
  readonly context?: string | undefined;
  readonly yes?: boolean | undefined;
  readonly quiet?: boolean | undefined;
}

const FORMATS = ['table', 'wide', 'json', 'yaml', 'name'] as const;
export type Format = (typeof FORMATS)[number];

export const DEFAULT_SERVER = 'http://127.0.0.1:4321';

export class Session {
  readonly io: Io;
  readonly options: GlobalOptions;
  readonly style: Style;
  readonly errorStyle: Style;
  #client: Client | undefined;

  constructor(io: Io, options: GlobalOptions) {
    this.io = io;
    this.options = options;
    this.style = styleFor(io.stdout, io.env);
    this.errorStyle = styleFor(io.stderr, io.env);
  }

  now(): number {
    return (this.io.now ?? Date.now)();
  }

  /** Data. */
  out(text: string): void {
    this.io.stdout.write(this.io.stdout.isTTY ? paintedLines(text) : text);
  }

  /** A text that others wrote, before we paint it: as it is, unless a terminal shows it. */
  foreign(text: string): string {
    return this.io.stdout.isTTY ? plainLines(text) : text;
  }

  /** Everything that is not data; nothing with `--quiet`. */
  note(text: string): void {
    if (!this.options.quiet) this.io.stderr.write(paintedLines(text));
  }

  /** The output format. @throws CliError naming the formats there are. */
  format(): Format {
    const asked = this.options.output ?? 'table';
    const found = FORMATS.find((format) => format === asked);
    if (found === undefined) throw new CliError(`-o ${asked}: give one of ${FORMATS.join(', ')}`);
    return found;
  }

  /** Whether people read what comes out. */
  inWords(): boolean {
    return ['table', 'wide'].includes(this.format());
  }

  /** What a command just did, at once, so that it is known how far it got; nothing where machines read. */
  say(text: string): void {
    if (this.inWords()) this.out(text);
  }

  /** Where and how people see what comes out. */
  get canvas(): Canvas {
    return { width: this.width(this.io.stdout), style: this.style };
  }

  /** How tables look. */
  get table(): TableOptions {
    const { headers, output } = this.options;
    const { width, style } = this.canvas;
    return { width, headers, wide: output === 'wide', paintHeader: style.bold };
  }

  /** Width that tables are cut to; unlimited when nobody looks. */
  width(output: Output): number {
    return output.isTTY ? (output.columns ?? 80) : Number.POSITIVE_INFINITY;
  }

  /** Flags before environment before the contexts file. */
  address(): { readonly baseUrl: string; readonly token: string | undefined } {
    const { options, io } = this;
    const server = options.server ?? io.env['FLAGHOIST_SERVER'];
    const token = options.token ?? io.env['FLAGHOIST_TOKEN'];
    if (server !== undefined && options.context === undefined) return { baseUrl: checkedUrl(server), token };
    const context = contextNamed(options.context, io.env);
    return {
      baseUrl: checkedUrl(options.server ?? context?.server ?? server ?? DEFAULT_SERVER),
      token: options.token ?? context?.token ?? token,
    };
  }

  get client(): Client {
    this.#client ??= createClient(this.address());
    return this.#client;
  }

  /** Who does it: `--author`, else the user of the operating system. */
  author(given: string | undefined): string {
    if (given !== undefined) return given;
    try {
      return userInfo().username;
    } catch {
      return this.io.env['USER'] ?? 'unknown';
    }
  }

  /** Asks at a terminal; anywhere else, and with `--yes`, the answer is yes. @throws CliError when it is no. */
  async confirm(question: string): Promise<void> {
    const { stdin, stderr } = this.io;
    if (this.options.yes || !stdin?.isTTY || !stderr.isTTY) return;
    stderr.write(`${paintedLines(question)} [y/N] `);
    for await (const chunk of stdin) {
      if (/^\s*y(es)?\s*$/i.test(String(chunk).split('\n')[0] ?? '')) return;
      break;
    }
    throw new CliError('nothing was changed', ExitCode.negative);
  }

  /** Runs something that Ctrl-C may end early: the signal is aborted by the first one; a second ends the process. */
  async interruptible<T>(work: (interrupted: AbortSignal) => Promise<T>): Promise<T> {
    if (this.io.interrupted !== undefined) return work(this.io.interrupted);
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    process.once('SIGINT', abort);
    try {
      return await work(controller.signal);
    } finally {
      process.removeListener('SIGINT', abort);
    }
  }
}

function checkedUrl(text: string): string {
  const url = text.includes('://') ? text : `http://${text}`;
  if (!URL.canParse(url) || !/^https?:/.test(url)) {
    throw new CliError(`server ${JSON.stringify(text)}: give an address such as ${DEFAULT_SERVER}`);
  }
  return url;
}
