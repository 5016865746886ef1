/** Prints what a command found, in the format that was asked for. */
import { allItems, type Client } from '@flaghoist/api';
import type { Session } from '../session.ts';
import { type Column, renderFacts, renderTable } from './table.ts';

/** A kind of thing that is listed and shown: how `-o name` calls it, and what there is to say of it. */
export interface Kind<Item> {
  readonly name: (item: Item) => string;
  readonly columns: (session: Session) => readonly Column<Item>[];
}

/** JSON as the API has it; what a terminal might obey is escaped, which JSON allows. */
function toJson(value: unknown): string {
  const text = JSON.stringify(value, null, 2).replaceAll(
    /[\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `${text}\n`;
}

export async function toYaml(value: unknown): Promise<string> {
  const { stringify } = await import('yaml');
  return stringify(value, { lineWidth: 0 });
}

interface Shown {
  /** `KIND/NAME` of each, for `-o name`. */
  readonly names: readonly string[];
  /** How people read it. */
  readonly text: () => string;
  /** What `-o yaml` gives instead of the value: what `apply` takes. */
  readonly manifest?: () => unknown;
}

export async function print(session: Session, value: unknown, { names, text, manifest }: Shown): Promise<undefined> {
  const format = session.format();
  if (format === 'json') session.out(toJson(value));
  else if (format === 'yaml') session.out(await toYaml(manifest === undefined ? value : await manifest()));
  else if (format === 'name') session.out(names.map((name) => `${name}\n`).join(''));
  else session.out(text());
}

export async function printItems<Item>(session: Session, kind: Kind<Item>, items: readonly Item[], none = 'none') {
  const text = () => (items.length === 0 ? '' : renderTable(kind.columns(session), items, session.table));
  await print(session, items, { names: items.map(kind.name), text });
  if (items.length === 0 && session.inWords()) session.note(`${none}\n`);
  return undefined;
}

type Page<Item> = Awaited<ReturnType<Parameters<typeof allItems<Item>>[0]>>;

/** What is listed. Of the options of a command these are the names that the API has, too. */
interface Filter {
  readonly limit: number;
  readonly cursor: string | undefined;
  readonly selector: string | undefined;
  readonly group?: string;
  readonly q?: string;
  /** The server knows which there are. */
  readonly state?: never;
}

/** What a command does that lists: everything there is, page by page. */
export function listing<Item>(
  kind: Kind<Item>,
  page: (client: Client, filter: Filter, of: string) => Promise<Page<Item>>,
) {
  return async (session: Session, options: object, of = ''): Promise<undefined> => {
    const filter = { ...options, selector: session.options.selector, limit: 1_000 };
    const items = await allItems((cursor) => page(session.client, { ...filter, cursor }, of));
    return printItems(session, kind, items);
  };
}

/** Shows one thing: everything of its columns, then `more`. */
export async function show<Item, Detail extends Item>(
  session: Session,
  kind: Kind<Item>,
  item: Detail,
  more: { readonly text?: string; readonly manifest?: () => unknown } = {},
): Promise<undefined> {
  const text = () => `${renderFacts(kind.columns(session), item)}${more.text ?? ''}`;
  return print(session, item, { ...more, names: [kind.name(item)], text });
}
