import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { styleText } from 'node:util';

const PROGRAM = join(import.meta.dirname, '../main.ts');

/**
 * Where the demo takes place: commands, run as a user would on this very terminal, and words between their outputs. `api`
 * is the server's URL. Once `interrupted` fires, commands end, and further ones throw.
 */
export function setStage(api: string, interrupted: AbortSignal) {
  const env = { ...process.env, FLAGHOIST_SERVER: api };
  const settings = { env, signal: interrupted, killSignal: 'SIGINT', stdio: 'inherit' } as const;
  const say = (text: string): void => console.log(text);
  const heading = (text: string): void => say(`\n${styleText('bold', text)}`);

  async function type(command: string): Promise<void> {
    interrupted.throwIfAborted();
    say(styleText('dim', `$ flaghoist ${command}`));
    const words = command.match(/"[^"]*"|\S+/g)?.map((word) => word.replaceAll('"', '')) ?? [];
    await once(spawn(process.execPath, [PROGRAM, ...words], settings), 'exit');
  }

  /** A heading, then each command as it is typed and what it prints. @throws AbortError */
  async function scene(about: string, commands: readonly string[]): Promise<void> {
    heading(about);
    for (const command of commands) await type(command);
  }

  return { say, heading, scene };
}

export type Stage = ReturnType<typeof setStage>;
