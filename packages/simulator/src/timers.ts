/** What an agent waits for; the first three in real time, the others `timeScale` of it. */
type Wait = 'boot' | 'dial' | 'heartbeat' | 'process' | 'tree' | 'apply' | 'illness' | 'absence';
const REAL_TIME: ReadonlySet<Wait> = new Set(['boot', 'dial', 'heartbeat']);

/** The time of one agent, and what it waits for: one deadline of each kind, a new one replaces the old one. */
export class Timers {
  /** Milliseconds since 1970, of the event that is being handled; never runs backwards. */
  now = 0;
  private readonly scale: number;
  private readonly waits = new Map<Wait, { readonly at: number; readonly run: () => void }>();

  /** @param scale factor on what happens inside agents */
  constructor(scale: number) {
    this.scale = scale;
  }

  set(wait: Wait, ms: number, run: () => void): void {
    this.waits.set(wait, { at: this.now + (REAL_TIME.has(wait) ? ms : ms * this.scale), run });
  }

  clear(wait: Wait): void {
    this.waits.delete(wait);
  }

  clearAll(): void {
    this.waits.clear();
  }

  has(wait: Wait): boolean {
    return this.waits.has(wait);
  }

  /** The earliest deadline, or infinity. */
  get next(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { at } of this.waits.values()) next = Math.min(next, at);
    return next;
  }

  /** Runs the earliest wait that is over; false when none is. */
  runDue(): boolean {
    const { next } = this;
    if (next > this.now) return false;
    for (const [wait, { at, run }] of this.waits) {
      if (at !== next) continue;
      this.waits.delete(wait);
      run();
      return true;
    }
    return false;
  }
}
