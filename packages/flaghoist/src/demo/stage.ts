import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { styleText } from 'node:util';

const PROGRAM = join(import.meta.dirname, '../main.ts');

/** Where the demo takes place: commands, run as a user would on this very terminal, and words between their outputs. */
export class Stage {
  readonly #env: NodeJS.ProcessEnv;
  readonly #interrupted: AbortSignal;

  /** `api` is the server's URL. Once `interrupted` fires, commands end, and further ones throw. */
  constructor(api: string, interrupted: AbortSignal) {
    this.#env = { ...process.env, FLAGHOIST_SERVER: api };
    this.#interrupted = interrupted;
  }

  say(text: string): void {
    console.log(text);
  }

  heading(text: string): void {
    this.say(`\n${styleText('bold', text)}`);
  }

  /** A heading, then each command as it is typed and what it prints. @throws AbortError */
  async scene(heading: string, commands: readonly string[]): Promise<void> {
    this.heading(heading);
    for (const command of commands) await this.#type(command);
  }

  async #type(command: string): Promise<void> {
    this.#interrupted.throwIfAborted();
    this.say(styleText('dim', `$ flaghoist ${command}`));
    const words = command.match(/"[^"]*"|\S+/g)?.map((word) => word.replaceAll('"', '')) ?? [];
    const settings = { env: this.#env, signal: this.#interrupted, killSignal: 'SIGINT', stdio: 'inherit' } as const;
    await once(spawn(process.execPath, [PROGRAM, ...words], settings), 'exit');
  }
}
