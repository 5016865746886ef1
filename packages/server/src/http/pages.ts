import { FleetError } from '@flaghoist/fleet';

interface Paging {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export interface Page<T> {
  readonly items: T[];
  readonly nextCursor: string | null;
  readonly total: number;
}

const encode = (key: string): string => Buffer.from(key).toString('base64url');
const decode = (cursor: string): string => Buffer.from(cursor, 'base64url').toString();

/**
 * One page of a sorted list. The cursor names the last item seen, not a position, so that items which come or go
 * meanwhile neither repeat nor hide others. `keyOf` must be unique and grow along the list.
 */
export function pageOf<T>(sorted: readonly T[], { limit, cursor }: Paging, keyOf: (item: T) => string): Page<T> {
  const after = cursor === undefined ? undefined : decode(cursor);
  const start = after === undefined ? 0 : sorted.findIndex((item) => keyOf(item) > after);
  const items = start === -1 ? [] : sorted.slice(start, start + limit);
  const last = items.at(-1);
  const more = start !== -1 && start + limit < sorted.length && last !== undefined;
  return { items, nextCursor: more ? encode(keyOf(last)) : null, total: sorted.length };
}

/** A page of a numbered history; the cursor is the last number given. */
export function historyStart(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  const after = Number(decode(cursor));
  if (!Number.isSafeInteger(after)) throw new FleetError('invalid', 'cursor: use the nextCursor of an earlier answer');
  return after;
}

export function historyPage<T extends { seq: number }>(
  items: T[],
  limit: number,
): { items: T[]; nextCursor: string | null } {
  const last = items.at(-1);
  return { items, nextCursor: items.length < limit || last === undefined ? null : encode(String(last.seq)) };
}
