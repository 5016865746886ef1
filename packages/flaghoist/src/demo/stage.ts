import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { styleText } from 'node:util';
import type { Io } from '@flaghoist/cli';

const PROGRAM = join(import.meta.dirname, '../main.ts');

/** Where the demo takes place: the command line, used as a user would, and words between its outputs. */
export class Stage {
  readonly #io: Io;
  readonly #env: NodeJS.ProcessEnv;
  readonly #interrupted: AbortSignal;

  /** `api` is the server's URL. Once `interrupted` fires, commands end, and further ones throw. */
  constructor(io: Io, api: string, interrupted: AbortSignal) {
    this.#io = io;
    this.#env = { ...io.env, FLAGHOIST_SERVER: api };
    this.#interrupted = interrupted;
  }

  say(text: string): void {
    this.#io.stdout.write(`${text}\n`);
  }

  heading(text: string): void {
    this.say(`\n${styleText('bold', text)}`);
  }

  /** Shows a command and runs it; what it prints is seen at once. @throws AbortError */
  async type(command: string): Promise<void> {
    this.#interrupted.throwIfAborted();
    this.say(styleText('dim', `$ flaghoist ${command}`));
    const words = command.match(/"[^"]*"|\S+/g)?.map((word) => word.replaceAll('"', '')) ?? [];
    const settings = { env: this.#env, signal: this.#interrupted, killSignal: 'SIGINT', stdio: 'inherit' } as const;
    await once(spawn(process.execPath, [PROGRAM, ...words], settings), 'exit');
  }
}
