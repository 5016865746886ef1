import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ChildOptions {
  /** Takes stdout and stderr. */
  readonly logFile: string;
  readonly cwd?: string;
}

/** A process we started, in a process group of its own so that a launcher script cannot leave its child behind. */
export class Child {
  readonly pid: number;
  readonly logFile: string;
  readonly #process: ChildProcess;
  readonly #exited: Promise<unknown>;

  constructor(command: string, args: readonly string[], options: ChildOptions) {
    const log = openSync(options.logFile, 'a');
    this.logFile = options.logFile;
    this.#process = spawn(command, args, { cwd: options.cwd, stdio: ['ignore', log, log], detached: true });
    closeSync(log);
    if (this.#process.pid === undefined) throw new Error(`cannot start ${command}`);
    this.pid = this.#process.pid;
    this.#exited = new Promise((resolve) => this.#process.once('exit', resolve));
    groups.add(this.pid);
  }

  get running(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  log(): string {
    return readFileSync(this.logFile, 'utf8');
  }

  /** Sends the signal, waits for the end, and kills whatever is left of the group after `graceMs`. */
  async end(signal: NodeJS.Signals, graceMs = 8_000): Promise<void> {
    if (!groups.delete(this.pid)) return;
    if (this.running) signalGroup(this.pid, signal);
    await Promise.race([this.#exited, sleep(graceMs, undefined, { ref: false })]);
    signalGroup(this.pid, 'SIGKILL');
    await this.#exited;
  }
}

/** Leaders of the groups that have not been ended: killed when the test process goes, in whatever way it can notice. */
const groups = new Set<number>();
const killAll = (): void => {
  for (const leader of groups) signalGroup(leader, 'SIGKILL');
};
process.once('exit', killAll);
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch {
    // Nobody is left in the group.
  }
}
