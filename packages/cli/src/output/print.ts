/** Prints what a command found, in the format that was asked for. */
import { allItems, type Client, type RequestOf } from '@flaghoist/api';
import { stringify } from 'yaml';
import type { Session } from '../session.ts';
import { type Column, renderTable } from './table.ts';

/** A kind of thing that is listed: how `-o name` calls it, and what there is to say of it. */
export interface Kind<Item> {
  readonly name: (item: Item) => string;
  readonly columns: readonly Column<Item>[];
  /** What `-o wide` has before the last column. */
  readonly wide?: readonly Column<Item>[];
}

/**
 * Prints a value for machines, or `inWords` for people. `names` are `KIND/NAME` of each, for `-o name`; `manifest` is
 * what `-o yaml` gives instead of the value: what `apply` takes.
 */
export async function print(
  { options, stdout }: Session,
  value: unknown,
  names: readonly string[],
  inWords: () => void = () => undefined,
  manifest: () => unknown = () => value,
): Promise<undefined> {
  if (options.output === 'json') stdout.foreign(`${JSON.stringify(value, null, 2)}\n`);
  else if (options.output === 'yaml') stdout.foreign(stringify(await manifest(), { lineWidth: 0 }));
  else if (options.output === 'name') stdout.print(names);
  else inWords();
}

export function tableOf<Item>(
  { io, options, stdout }: Session,
  { columns, wide = [] }: Kind<Item>,
  items: readonly Item[],
  headers = options.headers,
): string[] {
  const all = options.output === 'wide' ? columns.toSpliced(-1, 0, ...wide) : columns;
  return renderTable(all, items, { width: stdout.width(), now: io.now(), headers });
}

export function printItems<Item>(session: Session, kind: Kind<Item>, items: readonly Item[]): Promise<undefined> {
  return print(session, items, items.map(kind.name), () => {
    if (items.length === 0) session.stderr.print(['none']);
    else session.stdout.print(tableOf(session, kind, items));
  });
}

/** A page, of what the other options of the command narrow it to: their names are the API's. */
type Paging = Required<Pick<RequestOf<'listGroups'>, 'cursor' | 'limit'>>;

/** What a command does that lists: everything there is, page by page. */
export function listing<Item>(
  kind: Kind<Item>,
  page: (client: Client, paging: Paging, of: string) => ReturnType<Parameters<typeof allItems<Item>>[0]>,
) {
  return async (session: Session, options: object, of = ''): Promise<undefined> => {
    const items = await allItems((cursor) => page(session.client, { ...options, cursor, limit: 1_000 }, of));
    return printItems(session, kind, items);
  };
}
