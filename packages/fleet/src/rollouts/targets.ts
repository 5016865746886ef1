import type { AgentId } from '../agents/agent.ts';

/**
 * The targets of a rollout by agent, an immutable value. A change copies a plain list: of 10,000 targets in 5 µs, where a
 * Map takes 500 µs, and that happens with every turn of a push.
 */
export class Targets<Target extends { readonly agent: AgentId }> {
  readonly #list: readonly Target[];
  /** Positions in the list. Shared with later versions, which alone add to it: what is beyond the list is theirs. */
  readonly #positions: Map<AgentId, number>;

  constructor(list: readonly Target[] = [], positions: Map<AgentId, number> = new Map()) {
    this.#list = list;
    this.#positions = positions;
  }

  get size(): number {
    return this.#list.length;
  }

  /** In the order in which they became targets. */
  values(): readonly Target[] {
    return this.#list;
  }

  has(agent: AgentId): boolean {
    return this.get(agent) !== undefined;
  }

  get(agent: AgentId): Target | undefined {
    return this.#list[this.#positions.get(agent) ?? this.size];
  }

  /** With these in place of what their agents had, or added. */
  with(targets: readonly Target[]): Targets<Target> {
    const list = [...this.#list];
    // A second future of one version gets positions of its own.
    const isLatest = this.#positions.size === this.size;
    const positions = isLatest ? this.#positions : new Map(list.map(({ agent }, at) => [agent, at]));
    for (const target of targets) {
      const at = positions.get(target.agent) ?? list.length;
      positions.set(target.agent, at);
      list[at] = target;
    }
    return new Targets(list, positions);
  }
}
