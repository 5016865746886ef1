/** What a Supervisor does with a configuration that it was sent, and its collector with what it runs: the vices. */
import type { World } from '../world.ts';
import type { SimulatedAgent } from './agent.ts';
import { NO_STATUS, type SaidStatus } from './words.ts';

/** What outlives the process. */
export interface Disk {
  /** What the collector is started with. */
  composed: string;
  /** The last one that was APPLIED. */
  working: string;
  status: SaidStatus;
}

export const emptyDisk = (): Disk => ({ composed: '', working: '', status: NO_STATUS });

/** Of one process of the agent. */
export class Collector {
  readonly #world: World;
  readonly #agent: SimulatedAgent;
  readonly #disk: Disk;
  /** What it runs, really; empty while it runs nothing of ours. */
  runs = '';
  healthy = false;
  /** What it started with, as it is told. */
  effective: string;
  #sick = false;
  /** Grows with each configuration taken: only the newest gets a verdict. */
  #attempt = 0;

  constructor(world: World, agent: SimulatedAgent, disk: Disk, effective: string) {
    this.#world = world;
    this.#agent = agent;
    this.#disk = disk;
    this.effective = effective;
  }

  /** After a restart it runs what worked, and still says what it said (P2b). */
  boot(): void {
    const disk = this.#disk;
    if (disk.status.status === 'FAILED' && this.#agent.nature.vice === 'falls-back') disk.composed = disk.working;
    this.#start(disk.composed);
  }

  stop(): void {
    this.runs = '';
    this.healthy = false;
  }

  apply(hash: string): void {
    const { vice, verdictAfter, restarts, habit } = this.#agent.nature;
    const isBad = this.#world.isBad(hash, this.#agent);
    // The composed text is the same: APPLIED at once, whatever the collector does (the trap of a resend).
    if (this.#disk.composed === hash) {
      this.#say(hash, 'APPLIED');
      return;
    }
    if (isBad && vice === 'refuses') {
      this.#say(hash, 'FAILED', 'configuration validation failed');
      return;
    }
    if (isBad && vice === 'dies') {
      this.#agent.vanish();
      return;
    }
    this.#disk.composed = hash;
    this.#attempt += 1;
    this.#say(hash, 'APPLYING');
    const takes = habit === 'slow' ? 6 * restarts : restarts;
    this.#start(hash, takes);
    if (isBad && vice === 'stalls') return;
    this.#inAttempt(Math.max(verdictAfter, takes + 1_000), () => this.#verdict(hash));
  }

  #inAttempt(delay: number, work: () => void): void {
    const attempt = this.#attempt;
    this.#agent.after(delay, () => {
      if (attempt === this.#attempt) work();
    });
  }

  #start(hash: string, delay = this.#agent.nature.restarts): void {
    this.runs = '';
    this.#feel(false);
    this.#attempt += 1;
    this.#sick = false;
    this.#inAttempt(delay, () => this.#started(hash));
  }

  #started(hash: string): void {
    this.runs = hash;
    const isBad = this.#world.isBad(hash, this.#agent);
    const { vice, verdictAfter } = this.#agent.nature;
    if (isBad && (vice === 'rolls-back' || vice === 'falls-back')) {
      this.#exited(hash);
      return;
    }
    if (this.effective !== hash) {
      this.effective = hash;
      this.#agent.tell('effective');
    }
    this.#feel(!(isBad && vice === 'stalls'));
    if (!isBad) return;
    if (vice === 'sickens') this.#inAttempt(this.#world.dice.int(5_000, 40_000), () => this.sicken());
    if (vice === 'crash-loops') this.#inAttempt(verdictAfter + 1_000, () => this.#crashAgain());
    if (vice === 'withdraws') this.#agent.withdraw();
  }

  /** It ends as soon as it starts. While the verdict is due that is FAILED; otherwise only ill health. */
  #exited(hash: string): void {
    this.runs = '';
    this.#feel(false);
    const { status, working } = this.#disk;
    if (status.hash === hash && status.status === 'APPLYING') {
      this.#attempt += 1;
      this.#say(hash, 'FAILED', 'Agent exited unexpectedly with exit code 1 while applying configuration');
    }
    const { vice, verdictAfter, restarts } = this.#agent.nature;
    if (vice !== 'rolls-back' || working === '') return;
    this.#disk.composed = working;
    this.#start(working);
    this.#inAttempt(Math.max(verdictAfter, restarts + 1_000), () => this.#say(working, 'APPLIED'));
  }

  #verdict(hash: string): void {
    if (this.runs !== hash || !this.healthy) {
      this.#say(hash, 'FAILED', 'Config apply timeout exceeded');
      return;
    }
    this.#disk.working = hash;
    this.#say(hash, 'APPLIED');
  }

  sicken(): void {
    this.#sick = true;
    this.#feel(false);
  }

  recover(): void {
    if (!this.#sick) return;
    this.#sick = false;
    this.#feel(this.runs !== '');
  }

  #crashAgain(): void {
    this.#feel(false);
    this.#inAttempt(5_000, () => {
      this.#feel(true);
      this.#inAttempt(3_000, () => this.#crashAgain());
    });
  }

  #say(hash: string, status: SaidStatus['status'], error = ''): void {
    const before = this.#disk.status;
    if (hash === before.hash && status === before.status) return;
    this.#agent.note(`says ${status} ${hash.slice(0, 6) || '-'}`);
    this.#disk.status = { hash, status, error };
    if (status === 'FAILED') this.#agent.refusedAt.set(hash, this.#world.timeline.now);
    this.#agent.tell('status');
  }

  #feel(healthy: boolean): void {
    const well = healthy && !this.#sick;
    if (well === this.healthy) return;
    this.healthy = well;
    this.#agent.illSince = well ? null : this.#world.timeline.now;
    if (well && this.runs !== '') this.#agent.ranWell.add(this.runs);
    this.#agent.tell('health');
  }
}
