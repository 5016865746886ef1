interface Entry {
  readonly at: number;
  readonly index: number;
}

/** When each agent wants to be called next: one heap for the whole fleet. */
export class Agenda {
  private readonly heap: Entry[] = [];
  /** By agent: the time of its valid entry; others are stale. */
  private readonly planned: Float64Array;

  constructor(agents: number) {
    this.planned = new Float64Array(agents).fill(Number.POSITIVE_INFINITY);
  }

  /** The agent has to be called at `at`; an earlier entry stays, as it is only a call too many. */
  plan(index: number, at: number): void {
    if (at >= (this.planned[index] ?? 0)) return;
    this.planned[index] = at;
    this.push({ at, index });
  }

  /** The time of the next call, or infinity. */
  next(): number {
    return this.heap[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  /** Takes out an agent whose time has come. */
  take(now: number): number | undefined {
    for (let [top] = this.heap; top !== undefined && top.at <= now; [top] = this.heap) {
      this.pop();
      if (this.planned[top.index] !== top.at) continue;
      this.planned[top.index] = Number.POSITIVE_INFINITY;
      return top.index;
    }
    return undefined;
  }

  private push(entry: Entry): void {
    const { heap } = this;
    let i = heap.push(entry) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || above.at <= entry.at) break;
      heap[i] = above;
      i = parent;
    }
    heap[i] = entry;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let i = 0;
    for (;;) {
      const [left, right] = [heap[2 * i + 1], heap[2 * i + 2]];
      const child = right !== undefined && left !== undefined && right.at < left.at ? 2 * i + 2 : 2 * i + 1;
      const below = heap[child];
      if (below === undefined || below.at >= last.at) break;
      heap[i] = below;
      i = child;
    }
    heap[i] = last;
  }
}
