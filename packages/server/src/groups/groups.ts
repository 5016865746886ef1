import type { Group, GroupOf, Instant, RevisionRef } from '@flaghoist/fleet';
import { found, grouping, LIMITS, parseSelector, resolutionOrder } from '@flaghoist/fleet';
import type { Journal } from '../events/journal.ts';

/** The groups, and which one an agent belongs to. */
export class Groups {
  readonly #byName: Map<string, Group>;
  /** Deleted ones in which something was condemned: made again under their name, they remember that (I9). */
  readonly #deleted: Map<string, Group>;
  readonly #journal: Journal;
  /** As the groups are now: it is another one after each change. */
  groupOf: GroupOf;

  constructor(rows: readonly Group[], journal: Journal) {
    const named = (some: readonly Group[]) => new Map(some.map((row) => [row.name, row]));
    this.#byName = named(rows.filter(({ deletedAt }) => deletedAt === undefined));
    this.#deleted = named(rows.filter(({ deletedAt }) => deletedAt !== undefined));
    this.#journal = journal;
    this.groupOf = grouping(this.#byName.values());
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
    return found(this.#byName.get(name), `no group is called ${JSON.stringify(name)}`);
  }

  /** @throws FleetError `invalid-selector`. */
  put(
    name: string,
    settings: Omit<Group, 'name' | 'stable' | 'previous' | 'condemned' | 'createdAt'>,
    now: Instant,
  ): void {
    parseSelector(settings.selector);
    const before = this.#byName.get(name);
    const { stable = null, previous = [], createdAt = now } = before ?? {};
    const { condemned = [] } = before ?? this.#deleted.get(name) ?? {};
    this.#deleted.delete(name);
    this.#set({ name, ...settings, stable, previous, condemned, createdAt });
  }

  /** What new and returning agents get from now on. */
  makeStable(name: string, stable: RevisionRef): void {
    const group = this.#byName.get(name);
    if (group === undefined) return;
    const before = [group.stable, ...group.previous].filter((one) => one !== null && one.hash !== stable.hash);
    this.#set({ ...group, stable, previous: before.slice(0, LIMITS.previousPerGroup) as RevisionRef[] });
  }

  /** What a rollback took back is not rolled out in this group again (I9). */
  condemn(name: string, hash: string): void {
    const group = this.#byName.get(name);
    if (group === undefined || group.condemned.includes(hash)) return;
    this.#set({ ...group, condemned: [...group.condemned, hash].slice(-LIMITS.condemnedPerGroup) });
  }

  delete(name: string, now: Instant): void {
    const group = this.get(name);
    this.#byName.delete(name);
    this.groupOf = grouping(this.#byName.values());
    if (group.condemned.length === 0) {
      this.#journal.write({ kind: 'group-deleted', name });
      return;
    }
    const row = { ...group, stable: null, previous: [], deletedAt: now };
    this.#deleted.set(name, row);
    this.#journal.write({ kind: 'group', row });
  }

  #set(row: Group): void {
    this.#byName.set(row.name, row);
    this.groupOf = grouping(this.#byName.values());
    this.#journal.write({ kind: 'group', row });
  }
}
