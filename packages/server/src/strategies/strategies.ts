import * as fleet from '@flaghoist/fleet';
import type { Journal } from '../events/journal.ts';

/** The strategies that people saved, beside those that are built in. */
export class Strategies {
  readonly #own: Map<string, fleet.OwnStrategy>;
  readonly #journal: Journal;

  constructor(rows: readonly fleet.OwnStrategy[], journal: Journal) {
    this.#own = new Map(rows.map((row) => [row.name, row]));
    this.#journal = journal;
  }

  own(): Iterable<fleet.OwnStrategy> {
    return this.#own.values();
  }

  find(name: string): fleet.OwnStrategy | undefined {
    return this.#own.get(name);
  }

  /** What a choice means now. @throws FleetError `invalid-strategy` naming what there is. */
  resolve(choice: fleet.StrategyChoice): fleet.Strategy {
    return fleet.resolveStrategy(choice, this.own());
  }

  /** @throws FleetError `invalid-strategy`; `conflict` for the name of a built-in one. */
  put(name: string, spec: fleet.StrategySpec, now: fleet.Instant): void {
    fleet.refuseBuiltIn(name);
    const row = { name, spec, createdAt: this.#own.get(name)?.createdAt ?? now };
    fleet.settingsOf(row);
    this.#own.set(name, row);
    this.#journal.write({ kind: 'strategy', row });
  }

  delete(name: string): void {
    fleet.refuseBuiltIn(name);
    this.#own.delete(name);
    this.#journal.write({ kind: 'strategy-deleted', name });
  }
}
