/**
 * One write after the other. Commits that are asked for while a write is under way become one transaction, the next.
 * A caller learns of its commit when the transaction with it is durable (R2). One failure is final: what is in memory
 * may then not be on disk, and a failed fsync cannot be repeated (R4), so all that comes after it fails as it did.
 */
import { STORE_LIMITS } from '../limits.ts';
import type { Change } from './store.ts';

interface Transaction {
  /** In order, by what they write over. */
  readonly changes: Map<string | Change, Change>;
  readonly durable: Promise<void>;
}

export class WriteQueue {
  readonly #write: (changes: readonly Change[]) => Promise<void>;
  #last: Promise<unknown> = Promise.resolve();
  /** The transaction that has not begun. */
  #next: Transaction | null = null;

  /** `write` writes all or nothing, and resolves when it is durable. */
  constructor(write: (changes: readonly Change[]) => Promise<void>) {
    this.#write = write;
  }

  commit(changes: readonly Change[]): Promise<void> {
    const merged = (this.#next?.changes.size ?? 0) + changes.length;
    if (this.#next === null || merged > STORE_LIMITS.batchChanges) this.#next = this.#queue();
    for (const change of changes) {
      const row = rowOf(change);
      this.#next.changes.delete(row);
      this.#next.changes.set(row, change);
    }
    return this.#next.durable;
  }

  /** Another kind of write, under the same rules. */
  run<T>(write: () => Promise<T>): Promise<T> {
    const written = this.#last.then(write);
    this.#last = written;
    return written;
  }

  /** Resolves when nothing is being written any more. */
  async idle(): Promise<void> {
    await this.#last.catch(() => {});
  }

  #queue(): Transaction {
    const changes: Transaction['changes'] = new Map();
    const durable = this.run(() => {
      if (this.#next?.changes === changes) this.#next = null;
      return this.#write([...changes.values()]);
    });
    return { changes, durable };
  }
}

/** The row that a change writes whole: of several in one transaction the last counts. Itself, for what is written once. */
function rowOf(change: Change): string | Change {
  switch (change.kind) {
    case 'agent-report':
      return `report ${change.id}`;
    case 'ledger':
      return `ledger ${change.id} ${change.row.generation}`;
    case 'rollout':
      return `rollout ${change.row.id}`;
    default:
      return change;
  }
}
