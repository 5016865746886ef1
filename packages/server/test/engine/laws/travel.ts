/** I14: on an older database nothing goes on before a person has said so, and who has the revision counts as exposed by then. */
import type * as fleet from '@flaghoist/fleet';
import { SECOND } from '../timeline.ts';
import type { Evidence } from './evidence.ts';

export class TravelLaws {
  readonly #evidence: Evidence;
  /** Rollouts that ran in the older copy: the next thing that happens to them is a pause. */
  readonly #toBePaused = new Set<string>();

  /** By rollout: who had its target when a person decided what becomes of it. */
  readonly #holding = new Map<string, readonly fleet.AgentId[]>();

  constructor(evidence: Evidence) {
    this.#evidence = evidence;
  }

  /** An older copy was put back. */
  travel(): void {
    this.#toBePaused.clear();
    this.#holding.clear();
    for (const { id, state } of this.#evidence.folds.values())
      if (state === 'running' || state === 'baking') this.#toBePaused.add(id);
  }

  /** An event of a rollout. */
  happens(before: fleet.Rollout, { type }: fleet.RolloutEvent, after: fleet.Rollout, at: number): void {
    const { id, pause } = before;
    if (this.#toBePaused.delete(id))
      this.#evidence.hold(
        'I14',
        type === 'paused' && after.pause?.reason === 'time-travel',
        () => `rollout ${id}, which ran in the older database, goes on with ${type}`,
      );
    if (type === 'rolled-back') this.#checkReturned(after);
    if (pause?.reason !== 'time-travel' || (type !== 'resumed' && type !== 'rollback-started')) return;
    const holders = this.#holders(before, at);
    this.#holding.set(id, holders);
    for (const agent of holders) {
      const { state = 'none' } = before.targets.get(agent) ?? {};
      this.#evidence.hold(
        'I14',
        state !== 'none' && state !== 'deferred' && state !== 'skipped',
        () => `${agent} names the target of rollout ${id}, and is ${state} of its targets: ${type}`,
      );
    }
  }

  /** They were taken back with the others. */
  #checkReturned({ id, targets }: fleet.Rollout): void {
    for (const agent of this.#holding.get(id) ?? []) {
      const { state = 'none' } = targets.get(agent) ?? {};
      this.#evidence.hold(
        'I14',
        state === 'reverted' || state === 'revert-unconfirmed' || state === 'skipped',
        () => `${agent} had the target of rollout ${id}, which is taken back, and is ${state}`,
      );
    }
  }

  /** Those of its group that could be its targets, and have told for a while that they have its revision. */
  #holders({ group, target, from, createdAt }: fleet.Rollout, at: number): fleet.AgentId[] {
    const { doubled, world } = this.#evidence;
    const { identities, reports, assignments } = world.database;
    return [...identities.values()]
      .filter(({ id, group: own, pin, admission }) => {
        const { reported } = reports.get(id) ?? {};
        const isOurs = own?.name === group && pin === null && admission === 'open' && !doubled.has(id);
        const isTold = reported?.hash === target.hash && reported.at < at - 2 * SECOND;
        // Who came to a group's first rollout waits for its end (A.7); that cannot be taken back anyway.
        const waits = from === null && (own?.since ?? 0) > createdAt;
        const isRefused = assignments.get(id)?.refused.some(({ hash }) => hash === target.hash) ?? false;
        const [agent, ...twins] = this.#evidence.agentsOf(id);
        const isHere = agent !== undefined && twins.length === 0 && agent.link?.isWhole === true && agent.accepts;
        return isOurs && isTold && !waits && !isRefused && isHere;
      })
      .map(({ id }) => id);
  }
}
