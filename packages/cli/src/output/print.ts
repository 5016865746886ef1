/** Prints what a command found, in the format that was asked for. */
import type { Session } from '../session.ts';
import { type Column, renderTable } from './table.ts';

/** JSON as the API has it; what a terminal might obey is escaped, which JSON allows. */
export function toJson(value: unknown): string {
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

/** A list: `name` gives `KIND/NAME` for `-o name`. */
export async function printList<Item>(
  session: Session,
  items: readonly Item[],
  name: (item: Item) => string,
  columns: readonly Column<Item>[],
): Promise<void> {
  const format = session.format();
  if (format === 'json') session.out(toJson(items));
  else if (format === 'yaml') session.out(await toYaml(items));
  else if (format === 'name') session.out(items.map((item) => `${name(item)}\n`).join(''));
  else if (items.length === 0) session.note('none\n');
  else session.out(renderTable(columns, items, tableOptions(session)));
}

export function tableOptions(session: Session) {
  return {
    width: session.width(session.io.stdout),
    headers: session.options.headers,
    wide: session.options.output === 'wide',
    paintHeader: session.style.bold,
  };
}

/** One object: `text` is how people read it, `manifest` what `-o yaml` gives instead of the object. */
export async function printOne(
  session: Session,
  value: unknown,
  shown: {
    readonly name: string;
    readonly text: () => string | Promise<string>;
    readonly manifest?: () => string | Promise<string>;
  },
): Promise<void> {
  const format = session.format();
  if (format === 'json') session.out(toJson(value));
  else if (format === 'yaml') session.out(await (shown.manifest?.() ?? toYaml(value)));
  else if (format === 'name') session.out(`${shown.name}\n`);
  else session.out(await shown.text());
}

/** What a command that changes something did: `words` for people, `names` one per line for `-o name`. */
export async function printResult(
  session: Session,
  value: unknown,
  shown: { readonly words: string; readonly names: readonly string[] },
): Promise<void> {
  const format = session.format();
  if (format === 'json') session.out(toJson(value));
  else if (format === 'yaml') session.out(await toYaml(value));
  else if (format === 'name') session.out(shown.names.map((name) => `${name}\n`).join(''));
  else session.out(shown.words);
}
