import {
  checkName,
  FleetError,
  type Group,
  type Grouping,
  grouping,
  type Instant,
  LIMITS,
  parseSelector,
  type RevisionRef,
  resolutionOrder,
  strategyNamed,
} from '@flaghoist/fleet';
import type { Change } from '../storage/store.ts';

export type GroupSettings = Pick<Group, 'selector' | 'priority' | 'configuration' | 'strategy'>;

/** The groups, and which one an agent belongs to. */
export class Groups {
  readonly #byName = new Map<string, Group>();
  #grouping: Grouping;

  constructor(rows: Iterable<Group>) {
    for (const row of rows) this.#byName.set(row.name, row);
    this.#grouping = grouping(this.#byName.values());
  }

  /** In the order in which they are asked for an agent. */
  list(): Group[] {
    return resolutionOrder(this.#byName.values());
  }

  find(name: string): Group | undefined {
    return this.#byName.get(name);
  }

  /** @throws FleetError `not-found`. */
  get(name: string): Group {
    const found = this.#byName.get(name);
    if (found === undefined) throw new FleetError('not-found', `no group is called ${JSON.stringify(name)}`);
    return found;
  }

  groupOf: Grouping['groupOf'] = (labels) => this.#grouping.groupOf(labels);

  /** @throws FleetError `invalid`, `invalid-selector`, `invalid-strategy`. */
  put(name: string, settings: GroupSettings, now: Instant): { row: Group; created: boolean; changes: Change[] } {
    checkName('group', name, LIMITS.nameLength);
    parseSelector(settings.selector);
    strategyNamed(settings.strategy);
    const before = this.#byName.get(name);
    const row: Group = {
      name,
      ...settings,
      stable: before?.stable ?? null,
      createdAt: before?.createdAt ?? now,
    };
    return { row, created: before === undefined, changes: this.#set(row) };
  }

  /** What new and returning agents get from now on. */
  makeStable(name: string, stable: RevisionRef): Change[] {
    const group = this.#byName.get(name);
    return group === undefined ? [] : this.#set({ ...group, stable });
  }

  delete(name: string): Change[] {
    this.get(name);
    this.#byName.delete(name);
    this.#grouping = grouping(this.#byName.values());
    return [{ kind: 'group-deleted', name }];
  }

  #set(row: Group): Change[] {
    this.#byName.set(row.name, row);
    this.#grouping = grouping(this.#byName.values());
    return [{ kind: 'group', row }];
  }
}
