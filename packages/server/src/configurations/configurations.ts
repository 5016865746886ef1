import {
  type ConfigFiles,
  type Configuration,
  checkName,
  FleetError,
  type Instant,
  LIMITS,
  type Revision,
  type RevisionRef,
  sizeOf,
} from '@flaghoist/fleet';
import type { Change, Loaded } from '../storage/store.ts';

export interface NewRevision {
  readonly files: ConfigFiles;
  readonly message: string;
  readonly author: string;
  /** The revision that the author started from; refused when another one has come since. */
  readonly parent: number | undefined;
}

/** The mark that outlives a deleted configuration: its highest number, which no other text may ever get. */
const lastRevisionOf = (name: string): string => `last-revision/${name}`;

/** Named configurations with their immutable, content-addressed revisions. The texts stay in the store. */
export class Configurations {
  readonly #byName = new Map<string, Configuration>();
  readonly #revisions = new Map<string, Revision[]>();
  readonly #hashOf: (files: ConfigFiles) => string;
  readonly #marks: Map<string, number>;

  /** `hashOf` gives the hash on the wire, hex (S-116). */
  constructor(
    { configurations, revisions, marks }: Pick<Loaded, 'configurations' | 'revisions' | 'marks'>,
    hashOf: (files: ConfigFiles) => string,
  ) {
    this.#hashOf = hashOf;
    this.#marks = new Map(marks);
    for (const row of configurations) this.#byName.set(row.name, row);
    for (const revision of revisions) this.#of(revision.configuration).push(revision);
    for (const list of this.#revisions.values()) list.sort((a, b) => a.number - b.number);
  }

  list(): Configuration[] {
    return [...this.#byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** @throws FleetError `not-found`. */
  get(name: string): Configuration {
    const found = this.#byName.get(name);
    if (found === undefined) throw new FleetError('not-found', `no configuration is called ${JSON.stringify(name)}`);
    return found;
  }

  has(name: string): boolean {
    return this.#byName.has(name);
  }

  /** Oldest first. */
  revisions(name: string): readonly Revision[] {
    return this.#revisions.get(this.get(name).name) ?? [];
  }

  /** @throws FleetError `not-found` naming the revisions there are. */
  revision(name: string, number: number | 'latest'): Revision {
    const all = this.revisions(name);
    const found = number === 'latest' ? all.at(-1) : all.find((revision) => revision.number === number);
    if (found !== undefined) return found;
    const hint = all.length === 0 ? 'it has no revision yet' : `the newest is ${name}@${all.at(-1)?.number}`;
    throw new FleetError('not-found', `${name}@${number} does not exist; ${hint}`);
  }

  ref(name: string, number: number | 'latest'): RevisionRef {
    const revision = this.revision(name, number);
    return { configuration: name, revision: revision.number, hash: revision.hash };
  }

  put(
    name: string,
    description: string,
    author: string,
    now: Instant,
  ): { row: Configuration; created: boolean; changes: Change[] } {
    checkName('configuration', name, LIMITS.nameLength);
    const before = this.#byName.get(name);
    const row: Configuration =
      before === undefined
        ? { name, description, createdAt: now, createdBy: author, latest: 0 }
        : { ...before, description };
    this.#byName.set(name, row);
    return { row, created: before === undefined, changes: [{ kind: 'configuration', row }] };
  }

  /** Saves a revision. The texts must have been checked. The same texts as the newest revision are no new revision. */
  save(name: string, given: NewRevision, now: Instant): { revision: Revision; created: boolean; changes: Change[] } {
    const configuration = this.get(name);
    const latest = this.revisions(name).at(-1);
    if (given.parent !== undefined && given.parent !== latest?.number) {
      throw new FleetError(
        'conflict',
        `${name}@${given.parent} is not the newest revision any more: ${name}@${latest?.number ?? 0} is; look at it, then save again`,
      );
    }
    const hash = this.#hashOf(given.files);
    if (latest?.hash === hash) return { revision: latest, created: false, changes: [] };
    const revision: Revision = {
      configuration: name,
      number: Math.max(configuration.latest, this.#marks.get(lastRevisionOf(name)) ?? 0) + 1,
      hash,
      parent: latest?.number ?? null,
      author: given.author,
      message: given.message,
      createdAt: now,
      bytes: sizeOf(given.files),
    };
    const row = { ...configuration, latest: revision.number };
    this.#byName.set(name, row);
    this.#of(name).push(revision);
    return {
      revision,
      created: true,
      changes: [
        { kind: 'configuration', row },
        { kind: 'revision', row: revision, files: given.files },
      ],
    };
  }

  /** One of the same name goes on with the numbers, so that `edge@1` never means two texts. */
  delete(name: string): Change[] {
    const { latest } = this.get(name);
    this.#byName.delete(name);
    this.#revisions.delete(name);
    const deleted: Change = { kind: 'configuration-deleted', name };
    if (latest === 0) return [deleted];
    this.#marks.set(lastRevisionOf(name), latest);
    return [deleted, { kind: 'mark', name: lastRevisionOf(name), value: latest }];
  }

  #of(name: string): Revision[] {
    const list = this.#revisions.get(name) ?? [];
    this.#revisions.set(name, list);
    return list;
  }
}
