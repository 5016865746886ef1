/**
 * One write after the other. Commits that are asked for while a write is under way become one transaction, the next.
 * A caller learns of its commit when the transaction with it is durable (R2). One failure is final: what is in memory
 * may then not be on disk, and a failed fsync cannot be repeated (R4), so all that comes after it fails as it did.
 */
import { STORE_LIMITS } from '../limits.ts';
import type { Change } from './store.ts';

/** `write` writes all or nothing, and resolves when it is durable. */
export function writeQueue(write: (changes: readonly Change[]) => Promise<void>) {
  let last: Promise<unknown> = Promise.resolve();
  /** The transaction that has not begun: its changes in order, by what they write over. */
  let next: { readonly changes: Map<string | Change, Change>; readonly durable: Promise<void> } | null = null;

  /** Another kind of write, under the same rules. */
  function run<T>(work: () => Promise<T>): Promise<T> {
    const written = last.then(work);
    last = written;
    return written;
  }

  function queueTransaction() {
    const changes = new Map<string | Change, Change>();
    const durable = run(() => {
      if (next?.changes === changes) next = null;
      return write([...changes.values()]);
    });
    return { changes, durable };
  }

  function commit(changes: readonly Change[]): Promise<void> {
    if (next === null || next.changes.size + changes.length > STORE_LIMITS.batchChanges) next = queueTransaction();
    for (const change of changes) {
      const row = rowOf(change);
      next.changes.delete(row);
      next.changes.set(row, change);
    }
    return next.durable;
  }

  return { commit, run };
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
