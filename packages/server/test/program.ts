/** The real program in a process of its own, which can be killed and started again on the same data and ports. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Client, createClient } from '@flaghoist/api';

const MAIN = join(import.meta.dirname, '../../flaghoist/src/main.ts');

export class Program implements AsyncDisposable {
  readonly directory: string;
  /** What it wrote to stderr since it was started at a failpoint. */
  log = '';
  addresses = { opamp: '127.0.0.1:0', api: '127.0.0.1:0', ops: '127.0.0.1:0' };
  readonly #nodeOptions: readonly string[];
  /** More of the server's command line. */
  readonly arguments: string[] = [];
  #process: ChildProcess | undefined;

  constructor(directory: string, nodeOptions: readonly string[] = []) {
    this.directory = directory;
    this.#nodeOptions = nodeOptions;
  }

  /** Not started yet, in a directory of its own. */
  static async create(nodeOptions: readonly string[] = []): Promise<Program> {
    return new Program(await mkdtemp(join(tmpdir(), 'flaghoist-program-')), nodeOptions);
  }

  get client(): Client {
    return createClient({ baseUrl: `http://${this.addresses.api}` });
  }

  /** The running process; `stdio` has a channel for messages. */
  get process(): ChildProcess {
    if (this.#process === undefined) throw new Error('not started');
    return this.#process;
  }

  /** Resolves when it is ready, or has ended before: `false`. At a failpoint it ends. */
  async start(failpoint = ''): Promise<boolean> {
    const { opamp, api, ops } = this.addresses;
    const listening = ['--opamp-listen', opamp, '--api-listen', api, '--ops-listen', ops];
    const command = [MAIN, 'server', '--data', this.directory, ...listening, ...this.arguments];
    const child = spawn(process.execPath, [...this.#nodeOptions, ...command], {
      stdio: ['ignore', 'pipe', failpoint === '' ? 'ignore' : 'pipe', 'ipc'],
      env: { ...process.env, FLAGHOIST_FAILPOINT: failpoint },
    });
    this.#process = child;
    this.log = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.log += text;
    });
    const lines = createInterface(child.stdout as NodeJS.ReadableStream);
    const [line] = (await Promise.race([once(lines, 'line'), once(child, 'exit')])) as [string | number | null];
    const [, found] = /^flaghoist ready (.*)$/.exec(String(line)) ?? [];
    for (const pair of found?.split(' ') ?? []) {
      const [name, address] = pair.split('=') as ['opamp' | 'api' | 'ops', string];
      this.addresses[name] = address;
    }
    return found !== undefined;
  }

  /** Resolves to its exit code; null when the signal ended it, or it had ended before. */
  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<number | null> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return null;
    const ended = once(child, 'exit') as Promise<[number | null]>;
    child.kill(signal);
    const [code] = await ended;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await rm(this.directory, { recursive: true, force: true });
  }
}
