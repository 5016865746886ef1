/** What an agent waits for. One deadline per kind; a new one replaces the old one. */
export const WAITS = ['boot', 'dial', 'heartbeat', 'collector', 'tree', 'apply', 'behaviour'] as const;

export type Wait = (typeof WAITS)[number];

/** The deadlines of one agent, in milliseconds of its clock. */
export class Deadlines {
  private readonly at = new Float64Array(WAITS.length).fill(Number.POSITIVE_INFINITY);

  set(wait: Wait, at: number): void {
    this.at[WAITS.indexOf(wait)] = at;
  }

  clear(wait: Wait): void {
    this.set(wait, Number.POSITIVE_INFINITY);
  }

  clearAll(): void {
    this.at.fill(Number.POSITIVE_INFINITY);
  }

  has(wait: Wait): boolean {
    return (this.at[WAITS.indexOf(wait)] ?? 0) < Number.POSITIVE_INFINITY;
  }

  /** The earliest deadline, or infinity. */
  next(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const at of this.at) if (at < earliest) earliest = at;
    return earliest;
  }

  /** Takes out the earliest wait that is over; `undefined` when none is. */
  take(now: number): Wait | undefined {
    const earliest = this.next();
    if (earliest > now) return undefined;
    const i = this.at.indexOf(earliest);
    this.at[i] = Number.POSITIVE_INFINITY;
    return WAITS[i];
  }
}
