/**
 * Leaves out of a list of changes what a later one of the list overwrites anyway. The value that stays takes the place
 * of the first, which is safe because rows of different keys do not depend on one another, with two exceptions:
 * a deletion parts what stands before it from what stands after, and a row whose instance uid changes keeps its place,
 * because the uid it gives up may be another agent's two changes later.
 */
import type { ChangeKind, ChangeOf } from './change.ts';
import type { Change } from './store.ts';

/** `all`: every row counts. `barrier`: nothing merges across it. Else the key under which a later row replaces it. */
type Merging = { readonly [K in ChangeKind]: 'all' | 'barrier' | ((change: ChangeOf<K>) => string) };

const MERGING: Merging = {
  configuration: ({ row }) => row.name,
  'configuration-deleted': 'barrier',
  revision: 'all',
  group: ({ row }) => row.name,
  'group-deleted': 'barrier',
  'agent-identity': ({ row }) => row.id,
  'agent-report': ({ id }) => id,
  'agent-assignment': ({ id }) => id,
  ledger: ({ id, row }) => `${row.generation} ${id}`,
  'agent-deleted': 'barrier',
  text: ({ digest }) => digest,
  rollout: ({ row }) => row.id,
  'rollout-log': 'all',
  event: 'all',
  mark: ({ name }) => name,
  idempotency: ({ key }) => key,
};

function movesUid(before: Change | undefined, after: Change): boolean {
  return (
    before?.kind === 'agent-identity' &&
    after.kind === 'agent-identity' &&
    before.row.instanceUid !== after.row.instanceUid
  );
}

/** The shortest list that leaves the same rows behind as `changes`. */
export function coalesce(changes: readonly Change[]): readonly Change[] {
  const kept: Change[] = [];
  const places = new Map<string, number>();
  for (const change of changes) {
    const merging = MERGING[change.kind] as 'all' | 'barrier' | ((change: Change) => string);
    if (typeof merging === 'function') {
      const key = `${change.kind} ${merging(change)}`;
      const place = places.get(key);
      if (place !== undefined && !movesUid(kept[place], change)) {
        kept[place] = change;
        continue;
      }
      places.set(key, kept.length);
    } else if (merging === 'barrier') {
      places.clear();
    }
    kept.push(change);
  }
  return kept;
}
