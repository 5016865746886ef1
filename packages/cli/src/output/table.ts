/** Aligned tables, cut to the terminal, and facts below each other. */
import { paint, paintState } from './paint.ts';
import { cut, oneLine, widthOf } from './text.ts';
import { words } from './words.ts';

/** A field of the row by its name, or a heading and what stands below it. */
export type Column<Row> = (keyof Row & string) | readonly [heading: string, cell: (row: Row) => unknown];

const GAP = '  ';
/** Narrower than that no column becomes. */
const LEAST = 12;
const NUMBER = /^\d+(\/\d+)?$/;

/** A value in words, painted where it is a state. */
function cellOf(name: string, value: unknown, now: number): string {
  const text = oneLine(words(value, now));
  return text !== '-' && (name === 'state' || name === 'phase') ? paintState(text) : text;
}

/** `instanceUid` as `instance uid`, `createdAt` as `created` */
function heading(name: string): string {
  return name.replace(/At$/, '').replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** Lines of cells below each other, at most `room` wide: the widest columns give way. Numbers stand at the right. */
function aligned(rows: readonly (readonly string[])[], headings: readonly string[], room: number): string[] {
  const lines = headings.length === 0 ? rows : [headings, ...rows];
  const columns = [...(lines[0] ?? []).keys()];
  const widths = columns.map((column) => lines.reduce((most, line) => Math.max(most, widthOf(line[column] ?? '')), 0));
  let excess = widths.reduce((sum, width) => sum + width + GAP.length, -GAP.length) - room;
  for (; excess > 0 && Math.max(...widths) > LEAST; excess -= 1) {
    const widest = widths.indexOf(Math.max(...widths));
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  const numbers = columns.map((column) => rows.every((row) => NUMBER.test(row[column] ?? '')));
  return lines.map((line) => {
    const cells = line.map((cell, column) => {
      const shown = cut(cell, widths[column] ?? 0);
      const space = ' '.repeat((widths[column] ?? 0) - widthOf(shown));
      return numbers[column] ? space + shown : shown + space;
    });
    return cells.join(GAP).trimEnd();
  });
}

/** The lines of a table. `width` is that of the terminal, `now` milliseconds since the epoch. */
export function renderTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { width, now, headers }: { readonly width: number; readonly now: number; readonly headers: boolean },
): string[] {
  const named = columns.map((column) =>
    typeof column === 'string' ? ([column, (row: Row): unknown => row[column]] as const) : column,
  );
  const headings = headers ? named.map(([name]) => paint('bold', heading(name).toUpperCase())) : [];
  const cells = rows.map((row) => named.map(([name, read]) => cellOf(name, read(row), now)));
  return aligned(cells, headings, width);
}

/** The fields of one thing, one below the other; what there is not is left out. */
export function renderFacts(fields: object, now: number): string[] {
  const facts = Object.entries(fields).map(([field, value]) => {
    const name = heading(field);
    return [`${name.charAt(0).toUpperCase()}${name.slice(1)}:`, cellOf(field, value, now)];
  });
  const told = facts.filter(([, text]) => text !== '-');
  return aligned(told, [], Number.POSITIVE_INFINITY);
}
