import * as fleet from '@flaghoist/fleet';
import type { RolloutSummary } from '../storage/store.ts';

export function summaryOf({ targets: _targets, carried: _carried, ...summary }: fleet.Rollout): RolloutSummary {
  return summary;
}

/** Ended like this, nothing of it is sent any more. */
const WITHDRAWN: ReadonlySet<fleet.RolloutState> = new Set([
  'superseded',
  'cancelled',
  'rolling-back',
  'rolled-back',
  'rolled-back-partial',
]);

/** Every rollout that is known, active or ended, without its targets: found by id, by push and by group. */
export class Summaries {
  readonly #byId = new Map<string, RolloutSummary>();
  /** The rollouts of each push to several groups, in the order of their start. */
  readonly #children = new Map<string, Set<string>>();
  /** By group, when the newest of those began that succeeded. */
  readonly #successes = new Map<string, fleet.Instant>();

  /** As it stands now. */
  put(summary: RolloutSummary): void {
    const { id, group, parent, createdAt, state } = summary;
    this.#byId.set(id, summary);
    if (parent !== null) this.#children.set(parent, (this.#children.get(parent) ?? new Set()).add(id));
    if (state === 'succeeded') this.#successes.set(group, Math.max(createdAt, this.#successes.get(group) ?? createdAt));
  }

  all(): RolloutSummary[] {
    return [...this.#byId.values()];
  }

  find(id: string): RolloutSummary | undefined {
    return this.#byId.get(id);
  }

  /** @throws FleetError `not-found`. */
  get(id: string): RolloutSummary {
    const parts = [...(this.#children.get(id) ?? [])];
    const hint = parts.length === 0 ? '' : `; it is a push of several: ${parts.join(', ')}`;
    return fleet.found(this.find(id), `no rollout has the id ${JSON.stringify(id)}${hint}`);
  }

  childrenOf(parent: string): RolloutSummary[] {
    return Array.from(this.#children.get(parent) ?? [], (id) => this.get(id));
  }

  /** Whether what a rollout wanted of this agent is not to be sent any more: it was taken back, or another took over. */
  isWithdrawn({ ledger }: fleet.Agent): boolean {
    const rollout = fleet.broughtBy(ledger);
    if (rollout === undefined) return false;
    const state = this.find(rollout)?.state;
    return state !== undefined && WITHDRAWN.has(state);
  }

  /**
   * Whether a rollout that has ended left the agent with another revision than the stable one on purpose, as a mix or as its
   * own last good one: no lane brings it elsewhere before another rollout of the group has succeeded (A.7).
   */
  isLeft({ ledger }: fleet.Agent): boolean {
    const source = ledger?.source;
    if (source === undefined || !('rollout' in source)) return false;
    const last = this.find(source.rollout ?? '');
    if (last === undefined || !fleet.TERMINAL.has(last.state)) return false;
    if (source.kind !== 'rollback' && last.state !== 'stopped-mixed') return false;
    return !this.#isOutdated(last);
  }

  /** Whether a later rollout of its group has succeeded. */
  #isOutdated({ group, createdAt }: RolloutSummary): boolean {
    return (this.#successes.get(group) ?? createdAt) > createdAt;
  }
}
