/** What an agent waits for; the first three in real time, the others `timeScale` of it. */
type Wait = 'boot' | 'dial' | 'heartbeat' | 'process' | 'tree' | 'apply' | 'illness' | 'absence';
const REAL_TIME: ReadonlySet<Wait> = new Set(['boot', 'dial', 'heartbeat']);

/** The time of one agent, and what it waits for: one deadline of each kind, a new one replaces the old one. */
export class Timers {
  /** Milliseconds since 1970, of the event that is being handled; never runs backwards. */
  now = 0;
  private readonly scale: number;
  private readonly waits = new Map<Wait, { readonly wait: Wait; readonly at: number; readonly run: () => void }>();

  /** @param scale factor on what happens inside agents */
  constructor(scale: number) {
    this.scale = scale;
  }

  set(wait: Wait, ms: number, run: () => void): void {
    this.waits.set(wait, { wait, at: this.now + (REAL_TIME.has(wait) ? ms : ms * this.scale), run });
  }

  /** Whether it was waited for. */
  clear(wait: Wait): boolean {
    return this.waits.delete(wait);
  }

  clearAll(): void {
    this.waits.clear();
  }

  /** The earliest deadline, or infinity. */
  get next(): number {
    return this.earliest?.at ?? Number.POSITIVE_INFINITY;
  }

  /** Runs the earliest wait that is over; false when none is. */
  runDue(): boolean {
    const { earliest } = this;
    if (earliest === undefined || earliest.at > this.now) return false;
    this.clear(earliest.wait);
    earliest.run();
    return true;
  }

  private get earliest() {
    let earliest: ReturnType<typeof this.waits.get>;
    for (const each of this.waits.values()) if (earliest === undefined || each.at < earliest.at) earliest = each;
    return earliest;
  }
}
