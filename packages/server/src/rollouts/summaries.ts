import * as fleet from '@flaghoist/fleet';
import type { RolloutSummary } from '../storage/store.ts';

export function summaryOf({ targets: _targets, carried: _carried, ...summary }: fleet.Rollout): RolloutSummary {
  return summary;
}

/** Every rollout that is known, active or ended, without its targets: found by id, by push and by group. */
export class Summaries {
  readonly #byId = new Map<string, RolloutSummary>();
  /** The rollouts of each push to several groups, in the order of their start. */
  readonly #children = new Map<string, Set<string>>();
  readonly #newest = new Map<string, RolloutSummary>();

  /** As it stands now. */
  put(summary: RolloutSummary): void {
    const { id, group, parent, createdAt } = summary;
    this.#byId.set(id, summary);
    if (parent !== null) this.#children.set(parent, (this.#children.get(parent) ?? new Set()).add(id));
    const newest = this.#newest.get(group);
    if (newest === undefined || newest.createdAt <= createdAt) this.#newest.set(group, summary);
  }

  all(): RolloutSummary[] {
    return [...this.#byId.values()];
  }

  find(id: string): RolloutSummary | undefined {
    return this.#byId.get(id);
  }

  /** @throws FleetError `not-found`. */
  get(id: string): RolloutSummary {
    return fleet.found(this.find(id), `no rollout has the id ${JSON.stringify(id)}`);
  }

  childrenOf(parent: string): RolloutSummary[] {
    return Array.from(this.#children.get(parent) ?? [], (id) => this.get(id));
  }

  /** The rollout that began last in a group. */
  newestOf(group: string): RolloutSummary | undefined {
    return this.#newest.get(group);
  }
}
