/** Prints what a command found, in the format that was asked for. */
import { allItems, type Client } from '@flaghoist/api';
import { stringify } from 'yaml';
import type { Session } from '../session.ts';
import { type Column, renderFacts, renderTable } from './table.ts';

/** A kind of thing that is listed: how `-o name` calls it, and what there is to say of it. */
export interface Kind<Item> {
  readonly name: (item: Item) => string;
  readonly columns: readonly Column<Item>[];
  /** What `-o wide` has before the last column. */
  readonly wide?: readonly Column<Item>[];
}

export function toYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0 });
}

interface Shown {
  /** `KIND/NAME` of each, for `-o name`. */
  readonly names: readonly string[];
  /** Prints it for people. */
  readonly inWords: () => void;
  /** What `-o yaml` gives instead of the value: what `apply` takes. */
  readonly manifest?: (() => unknown) | undefined;
}

export async function print(session: Session, value: unknown, { names, inWords, manifest }: Shown): Promise<undefined> {
  const { stdout } = session;
  const { output } = session.options;
  if (output === 'json') stdout.foreign(`${JSON.stringify(value, null, 2)}\n`);
  else if (output === 'yaml') stdout.foreign(toYaml(manifest === undefined ? value : await manifest()));
  else if (output === 'name') stdout.print(names.map((name) => `${name}\n`).join(''));
  else inWords();
}

export function tableOf<Item>(
  session: Session,
  { columns, wide = [] }: Kind<Item>,
  items: readonly Item[],
  headers = session.options.headers,
): string {
  const all = session.options.output === 'wide' ? columns.toSpliced(-1, 0, ...wide) : columns;
  return renderTable(all, items, { width: session.stdout.width, now: session.now(), headers });
}

export function printItems<Item>(session: Session, kind: Kind<Item>, items: readonly Item[]): Promise<undefined> {
  const inWords = (): void => {
    if (items.length === 0) session.note('none\n');
    else session.stdout.print(tableOf(session, kind, items));
  };
  return print(session, items, { names: items.map(kind.name), inWords });
}

type Page<Item> = Awaited<ReturnType<Parameters<typeof allItems<Item>>[0]>>;

/** What is listed. Of the options of a command these are the names that the API has, too. */
interface Filter {
  readonly limit: number;
  readonly cursor: string | undefined;
  readonly selector?: string;
  readonly group?: string;
  readonly q?: string;
  /** Which there are depends on what is listed: the command lets no other pass. */
  readonly state?: never;
}

/** What a command does that lists: everything there is, page by page. */
export function listing<Item>(
  kind: Kind<Item>,
  page: (client: Client, filter: Filter, of: string) => Promise<Page<Item>>,
) {
  return async (session: Session, options: object, of = ''): Promise<undefined> => {
    const items = await allItems((cursor) => page(session.client, { ...options, cursor, limit: 1_000 }, of));
    return printItems(session, kind, items);
  };
}

/** Shows one thing: its `facts`, then `more`. */
export function show(
  session: Session,
  name: string,
  item: object,
  shown: { readonly facts: object; readonly more?: string; readonly manifest?: () => unknown },
): Promise<undefined> {
  const { facts, more = '', manifest } = shown;
  const inWords = () => session.stdout.print(`${renderFacts(facts, session.now())}${more}`);
  return print(session, item, { names: [name], inWords, manifest });
}
