/** The embedded store: SQLite in a data directory, one thread that writes and one that reads. */
import path from 'node:path';
import { decodeAgent } from './agent-tables.ts';
import { type Clock, systemClock } from './clock.ts';
import { dataFiles } from './data-directory.ts';
import { GroupCommit, type Written } from './group-commit.ts';
import type { ReadOperations, WriteOperations } from './operations.ts';
import { asStoreError } from './sqlite-error.ts';
import { SqliteThread } from './sqlite-thread.ts';
import { type Change, type Loaded, type Store, StoreError } from './store.ts';

export interface SqliteStoreOptions {
  /** Made, with all files for this user only, when it is missing. */
  readonly directory: string;
  readonly clock?: Clock;
  /** Told of every transaction once it is durable. */
  readonly observe?: (written: Written) => void;
}

/** @throws StoreError `locked`, `too-new`, `unsupported-sqlite`, `corrupt`, or `unavailable` when files cannot be used. */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const files = dataFiles(path.resolve(options.directory));
  const writer = await SqliteThread.start<WriteOperations>({ role: 'writer', files });
  try {
    const reader = await SqliteThread.start<ReadOperations>({ role: 'reader', files });
    return new SqliteStore(writer, reader, { ...options, directory: files.directory });
  } catch (error) {
    await writer.close();
    throw error;
  }
}

class SqliteStore implements Store {
  readonly #writer: SqliteThread<WriteOperations>;
  readonly #reader: SqliteThread<ReadOperations>;
  readonly #commits: GroupCommit;
  readonly #directory: string;
  #closed: Promise<void> | null = null;

  constructor(
    writer: SqliteThread<WriteOperations>,
    reader: SqliteThread<ReadOperations>,
    { directory, clock = systemClock, observe = () => {} }: SqliteStoreOptions,
  ) {
    this.#writer = writer;
    this.#reader = reader;
    this.#directory = directory;
    this.#commits = new GroupCommit({ write: (changes) => writer.call('commit', changes), observe }, clock);
  }

  commit = (changes: readonly Change[]) => this.#commits.commit(changes);
  files = (hash: string) => this.#reader.call('files', hash);
  ledger = (agent: string, limit: number) => this.#reader.call('ledger', agent, limit);
  texts = (digests: readonly string[]) => this.#reader.call('texts', digests);
  rolloutLog = (rollout: string) => this.#reader.call('rolloutLog', rollout);
  events = (query: Parameters<Store['events']>[0]) => this.#reader.call('events', query);
  idempotent = (key: string) => this.#reader.call('idempotent', key);

  async load(): Promise<Loaded> {
    const loaded = await this.#reader.call('load');
    try {
      return { ...loaded, agents: loaded.agents.map(decodeAgent) };
    } catch (error) {
      throw asStoreError(error, this.#directory);
    }
  }

  async trim({ eventsAfter, answersSince }: Parameters<Store['trim']>[0]): Promise<number> {
    for (;;) {
      const trim = () => this.#writer.call('trim', eventsAfter, answersSince);
      const { first, more } = await this.#commits.beside(trim);
      if (!more) return first;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#commits.close(new StoreError('unavailable', 'the store is closed: nothing can be committed any more'));
    await this.#reader.close();
    await this.#writer.close();
  }
}
