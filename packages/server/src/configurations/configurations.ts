import type { ConfigFiles, Configuration, Instant, Revision, RevisionRef } from '@flaghoist/fleet';
import { FleetError, found, sizeOf } from '@flaghoist/fleet';
import type { Journal } from '../events/journal.ts';
import { hashOf } from '../gateway/wire.ts';
import type { Loaded } from '../storage/store.ts';

export interface NewRevision extends Pick<Revision, 'message' | 'author'> {
  readonly files: ConfigFiles;
  /** The revision that the author started from; refused when another one has come since. */
  readonly parent?: number | undefined;
}

/** The mark that outlives a deleted configuration: its highest number, which no other text may ever get. */
const lastRevisionOf = (name: string): string => `last-revision/${name}`;

/** Named configurations with their immutable, content-addressed revisions. The texts stay in the store. */
export class Configurations {
  readonly #byName: Map<string, Configuration>;
  /** Oldest first. */
  readonly #revisions: Map<string, Revision[]>;
  readonly #marks: Map<string, number>;
  readonly #journal: Journal;

  constructor({ configurations, revisions, marks }: Loaded, journal: Journal) {
    this.#byName = new Map(configurations.map((row) => [row.name, row]));
    this.#revisions = Map.groupBy(revisions, ({ configuration }) => configuration);
    this.#marks = new Map(marks);
    this.#journal = journal;
  }

  all(): Iterable<Configuration> {
    return this.#byName.values();
  }

  /** @throws FleetError `not-found`. */
  get(name: string): Configuration {
    return found(this.#byName.get(name), `no configuration is called ${JSON.stringify(name)}`);
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
    const latest = all.at(-1);
    const hint = latest === undefined ? 'it has no revision yet' : `the newest is ${name}@${latest.number}`;
    const wanted = number === 'latest' ? latest : all.find((revision) => revision.number === number);
    return found(wanted, `${name}@${number} does not exist; ${hint}`);
  }

  ref(name: string, number: number | 'latest'): RevisionRef {
    const revision = this.revision(name, number);
    return { configuration: name, revision: revision.number, hash: revision.hash };
  }

  put(name: string, description: string, author: string, now: Instant): Configuration {
    const { createdAt = now, createdBy = author } = this.#byName.get(name) ?? {};
    const row = { name, description, createdAt, createdBy };
    this.#byName.set(name, row);
    this.#journal.write({ kind: 'configuration', row });
    return row;
  }

  /** Saves a revision. The texts must have been checked. The same texts as the newest revision are no new revision. */
  save(name: string, { files, ...given }: NewRevision, now: Instant): { revision: Revision; created: boolean } {
    const revisions = this.revisions(name);
    const latest = revisions.at(-1);
    if (given.parent !== undefined && given.parent !== latest?.number) {
      throw new FleetError(
        'conflict',
        `${name}@${given.parent} is not the newest revision any more: ${name}@${latest?.number ?? 0} is; look at it, then save again`,
      );
    }
    const hash = hashOf(files);
    if (latest?.hash === hash) return { revision: latest, created: false };
    const revision: Revision = {
      ...given,
      configuration: name,
      number: Math.max(latest?.number ?? 0, this.#marks.get(lastRevisionOf(name)) ?? 0) + 1,
      hash,
      parent: latest?.number ?? null,
      createdAt: now,
      bytes: sizeOf(files),
    };
    this.#revisions.set(name, [...revisions, revision]);
    this.#journal.write({ kind: 'revision', row: revision, files });
    return { revision, created: true };
  }

  /** One of the same name goes on with the numbers, so that `edge@1` never means two texts. */
  delete(name: string): void {
    const latest = this.revisions(name).at(-1);
    this.#byName.delete(name);
    this.#revisions.delete(name);
    this.#journal.write({ kind: 'configuration-deleted', name });
    if (latest === undefined) return;
    this.#marks.set(lastRevisionOf(name), latest.number);
    this.#journal.write({ kind: 'mark', name: lastRevisionOf(name), value: latest.number });
  }
}
