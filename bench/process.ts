import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Reading } from './probe.ts';

/** More options for the measured processes, such as `--cpu-prof --cpu-prof-dir=/tmp/profiles`. */
const OPTIONS = process.env['BENCH_NODE_OPTIONS']?.split(' ') ?? [];
const PROBE = join(import.meta.dirname, 'probe.ts');

/** A Node process that answers questions over IPC, with the probe in it. */
export class Measured {
  readonly #child: ChildProcess;
  readonly #ready: Promise<string>;

  /** `ready` finds in a line of its output what it listens on. */
  constructor(program: string, args: readonly string[], ready: RegExp) {
    const node = [
      ...OPTIONS,
      '--disable-warning=ExperimentalWarning',
      '--import',
      PROBE,
      join(import.meta.dirname, program),
      ...args,
    ];
    this.#child = spawn(process.execPath, node, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
    this.#ready = new Promise((resolve, reject) => {
      this.#child.once('exit', (code) => reject(new Error(`${program} ended with ${code}`)));
      const lines = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream });
      lines.on('line', (line) => {
        const found = ready.exec(line)?.[0];
        if (found !== undefined) resolve(found);
      });
    });
  }

  get ready(): Promise<string> {
    return this.#ready;
  }

  tell(message: object | string): void {
    this.#child.send(message);
  }

  async ask<Answer>(question: string): Promise<Answer> {
    const answer = once(this.#child, 'message');
    this.#child.send(question);
    return (await answer)[0] as Answer;
  }

  read(): Promise<Reading> {
    return this.ask<Reading>('read');
  }

  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill(signal);
    await exit;
  }
}

/** Asks until it holds. @throws when it does not within two minutes. */
export async function took(holds: () => Promise<boolean> | boolean, every: number): Promise<void> {
  const end = performance.now() + 120_000;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error('not within two minutes');
    await sleep(every);
  }
}
