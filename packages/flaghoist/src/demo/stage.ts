/** Where the demo takes place: the command line, run as a user would type it, and words between its outputs. */
import { type Io, type Output, type Programs, renderTable, runCli, type Style, styleFor } from '@flaghoist/cli';

/** The demo runs inside the program; it does not start another one. */
const NO_PROGRAMS: Programs = {
  server: () => Promise.reject(new Error('the demo has its own server')),
  simulate: () => Promise.reject(new Error('the demo has its own fleet')),
  demo: () => Promise.reject(new Error('the demo is running')),
};

export class Stage {
  readonly style: Style;
  readonly #io: Io;
  readonly #env: Record<string, string | undefined>;
  readonly #interrupted: AbortSignal;

  /** Once `interrupted` fires, nothing more is done: every call throws. */
  constructor(io: Io, api: string, interrupted: AbortSignal) {
    this.#interrupted = interrupted;
    // A command may listen to its output; many of them run here, on one.
    this.#io = { ...io, stdout: lent(io.stdout), stderr: lent(io.stderr), interrupted };
    this.#env = { ...io.env, FLAGHOIST_SERVER: `http://${api}` };
    this.style = styleFor(io.stdout, io.env);
  }

  say(text = ''): void {
    this.#io.stdout.write(`${text}\n`);
  }

  heading(text: string): void {
    this.say(`\n${this.style.bold(text)}`);
  }

  table(headers: readonly string[], rows: readonly (readonly string[])[]): void {
    const columns = headers.map((header, index) => ({
      header,
      right: index > 1,
      cell: (row: readonly string[]) => row[index] ?? '',
    }));
    this.#io.stdout.write(
      renderTable(columns, rows, { width: this.#io.stdout.columns ?? 120, paintHeader: this.style.dim }),
    );
  }

  /** Shows a command as it would be typed, runs it, shows what it prints. Resolves to its exit code. */
  type(...words: string[]): Promise<number> {
    this.#interrupted.throwIfAborted();
    this.say(this.style.dim(`$ flaghoist ${words.map(quoted).join(' ')}`));
    return runCli(words, { ...this.#io, env: this.#env, programs: NO_PROGRAMS });
  }

  /** Runs a command for its data. @throws Error with what it said when it fails. */
  async ask<T>(...words: string[]): Promise<T> {
    this.#interrupted.throwIfAborted();
    let data = '';
    let complaint = '';
    const stdout: Output = { write: (text) => (data += text) };
    const stderr: Output = { write: (text) => (complaint += text) };
    const code = await runCli([...words, '-o', 'json'], {
      ...this.#io,
      stdout,
      stderr,
      env: this.#env,
      programs: NO_PROGRAMS,
    });
    if (code !== 0) throw new Error(`flaghoist ${words.join(' ')}: ${complaint}`);
    return JSON.parse(data) as T;
  }

  /** Asks again until it holds; false when it does not within the time. */
  async until<T>(ask: () => Promise<T> | T, holds: (value: T) => boolean, millis: number): Promise<boolean> {
    const end = performance.now() + millis;
    while (performance.now() < end) {
      if (holds(await ask())) return true;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    return false;
  }
}

const lent = (output: Output): Output => ({
  write: (text) => output.write(text),
  isTTY: output.isTTY,
  get columns() {
    return output.columns;
  },
});

const quoted = (word: string): string => (/^[\w@./:=-]+$/.test(word) ? word : `"${word}"`);
