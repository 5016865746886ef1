/** Of the durable rows among themselves: I12, and I15 for logs, summaries and ledgers. */
import { isDeepStrictEqual } from 'node:util';
import * as fleet from '@flaghoist/fleet';
import type { Change, RolloutSummary } from '../../../src/storage/store.ts';
import type { Evidence } from './evidence.ts';

export const json = <T>(value: T): T => JSON.parse(JSON.stringify(value));

function summaryOf({ targets: _targets, carried: _carried, ...summary }: fleet.Rollout): RolloutSummary {
  return summary;
}

const isSummary = (fold: fleet.Rollout, row: RolloutSummary | undefined): boolean =>
  isDeepStrictEqual(json(summaryOf(fold)), row && json(row));

export const isActive = ({ state }: { readonly state: fleet.RolloutState }): boolean => !fleet.TERMINAL.has(state);

export class RowLaws {
  readonly #evidence: Evidence;

  constructor(evidence: Evidence) {
    this.#evidence = evidence;
  }

  /** After each transaction: I12, and I15 for the rollouts in it. */
  written(changes: readonly Change[]): void {
    const { folds, world } = this.#evidence;
    const { rollouts } = world.database;
    const active = [...rollouts.values()].filter(isActive).map(({ group }) => group);
    const isOneEach = new Set(active).size === active.length;
    this.#evidence.hold('I12', isOneEach, () => `two active rollouts in one group: ${active}`);
    for (const change of changes) {
      if (change.kind !== 'rollout') continue;
      const fold = folds.get(change.row.id);
      const isSame = fold !== undefined && isSummary(fold, rollouts.get(change.row.id));
      this.#evidence.hold('I15', isSame, () => `the row of rollout ${change.row.id} is not the fold of its log`);
    }
  }

  /** I15, of the rows that a process finds when it starts: log, rollouts and ledgers tell the same. */
  found(): void {
    const { database } = this.#evidence.world;
    for (const [id, log] of database.logs) {
      let fold: fleet.Rollout | null = null;
      try {
        fold = fleet.fold(json(log));
      } catch (error) {
        this.#evidence.broken('I15', `the log of ${id} cannot be folded: ${(error as Error).message}`);
      }
      if (fold === null) continue;
      const isSame = isSummary(fold, database.rollouts.get(id));
      this.#evidence.hold('I15', isSame, () => `rollout ${id} is not the fold of its log`);
      if (isActive(fold)) this.#checkTargets(fold);
    }
  }

  #checkTargets({ id, targets, carried }: fleet.Rollout): void {
    for (const { agent, state } of targets.values()) {
      if (!fleet.OPEN.has(state) || carried.has(agent)) continue;
      const entry = this.#evidence.world.database.ledgerOf(agent);
      const phase = entry?.phase === 'received' ? 'sent' : entry?.phase;
      const isIts = entry !== null && 'rollout' in entry.source && entry.source.rollout === id;
      this.#evidence.hold(
        'I15',
        isIts && phase === state,
        () => `${agent} is ${state} in rollout ${id}, and ${phase} in its ledger`,
      );
    }
  }
}
