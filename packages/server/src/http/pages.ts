import type { InputOf } from '@flaghoist/api';
import { FleetError } from '@flaghoist/fleet';

type Paging = Pick<InputOf<'listConfigurations'>, 'limit' | 'cursor'>;

const encode = (key: string): string => Buffer.from(key).toString('base64url');
const decode = (cursor: string): string => Buffer.from(cursor, 'base64url').toString();

/** A sort key of numbers that puts the greatest first. */
export const descending = (value: number): string => String(Number.MAX_SAFE_INTEGER - value).padStart(17, '0');

/**
 * One page of a list, sorted by a unique key. The cursor names the last item seen, not a position, so that items which
 * come or go meanwhile neither repeat nor hide others. Only the items of the page are viewed.
 */
export function pageOf<T, View>(
  list: Iterable<T>,
  { limit, cursor }: Paging,
  keyOf: (item: T) => string,
  view: (item: T) => View,
) {
  const sorted = Array.from(list, (item) => ({ item, key: keyOf(item) })).sort((a, b) => (a.key < b.key ? -1 : 1));
  const after = cursor === undefined ? '' : decode(cursor);
  const rest = sorted.filter(({ key }) => key > after);
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  return {
    items: page.map(({ item }) => view(item)),
    nextCursor: rest.length > limit && last !== undefined ? encode(last.key) : null,
    total: sorted.length,
  };
}

/** A page of a numbered history; the cursor is the last number given. */
export async function historyPage<T extends { readonly seq: number }>(
  { limit, cursor }: Paging,
  read: (page: { readonly after: number; readonly limit: number }) => Promise<readonly T[]>,
) {
  const after = cursor === undefined ? 0 : Number(decode(cursor));
  if (!Number.isSafeInteger(after)) throw new FleetError('invalid', 'cursor: use the nextCursor of an earlier answer');
  const items = await read({ after, limit });
  const last = items.at(-1);
  return { items, nextCursor: items.length < limit || last === undefined ? null : encode(String(last.seq)) };
}
