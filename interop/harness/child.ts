import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * A process we started, in a group of its own so that a launcher script cannot leave its child behind. `setpriv` has
 * the kernel kill it when this process goes: vitest may end its workers before they can do anything.
 */
export class Child {
  readonly pid: number;
  readonly #process: ChildProcess;
  readonly #logFile: string;
  readonly #exited: Promise<unknown>;

  /** `logFile` takes stdout and stderr. */
  constructor(command: string, args: readonly string[], logFile: string) {
    const log = openSync(logFile, 'a');
    this.#logFile = logFile;
    this.#process = spawn('setpriv', ['--pdeathsig', 'KILL', '--', command, ...args], {
      stdio: ['ignore', log, log],
      detached: true,
    });
    closeSync(log);
    if (this.#process.pid === undefined) throw new Error('the interop tests need Linux with "setpriv" (util-linux)');
    this.pid = this.#process.pid;
    this.#exited = new Promise((resolve) => this.#process.once('exit', resolve));
  }

  get running(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Sends the signal to the process alone, not to those that it started, and waits for its end. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    this.#process.kill(signal);
    await this.#exited;
  }

  log(): string {
    return readFileSync(this.#logFile, 'utf8');
  }

  /** Sends the signal, waits for the end, and kills the group after `graceMs`. Does nothing the second time. */
  async end(signal: NodeJS.Signals, graceMs = 8_000): Promise<void> {
    if (!this.running) return;
    signalGroup(this.pid, signal);
    await Promise.race([this.#exited, sleep(graceMs, undefined, { ref: false })]);
    signalGroup(this.pid, 'SIGKILL');
    await this.#exited;
  }
}

function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch {
    // Nobody is left in the group.
  }
}
