/** Aligned tables, cut to the terminal, and facts below each other. */
import { type Look, paint, stateCell } from './paint.ts';
import { cut, oneLine, widthOf } from './text.ts';
import { words } from './words.ts';

/** A field of the row by its name, or a heading and what stands below it. */
export type Column<Row> = (keyof Row & string) | readonly [heading: string, cell: (row: Row) => unknown];

interface Cell {
  readonly text: string;
  readonly look?: Look;
}

const GAP = '  ';
/** Narrower than that no column becomes. */
const LEAST = 12;
const NUMBER = /^\d+(\/\d+)?$/;

function cellOf(name: string, value: unknown, now: number): Cell {
  if ((name === 'state' || name === 'phase') && typeof value === 'string') return stateCell(oneLine(value));
  return { text: oneLine(words(value, now)) };
}

/** `instanceUid` as `instance uid`, `createdAt` as `created` */
function heading(name: string): string {
  return name.replace(/At$/, '').replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** Columns below each other, at most `room` wide: the widest give way. Those of numbers stand at the right. */
function aligned(columns: readonly (readonly Cell[])[], room: number): string[] {
  const widths = columns.map((cells) => cells.reduce((most, { text }) => Math.max(most, widthOf(text)), 0));
  let excess = widths.reduce((sum, width) => sum + width + GAP.length, -GAP.length) - room;
  for (; excess > 0 && Math.max(...widths) > LEAST; excess -= 1) {
    const widest = widths.indexOf(Math.max(...widths));
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  const padded = columns.map((cells, index) => {
    const width = widths[index] ?? 0;
    const right = cells.every(({ text, look }) => look === 'bold' || NUMBER.test(text));
    return cells.map(({ text, look }) => {
      const shown = cut(text, width);
      const space = ' '.repeat(width - widthOf(shown));
      const painted = look === undefined ? shown : paint(look, shown);
      return right ? `${space}${painted}` : `${painted}${space}`;
    });
  });
  return (
    padded[0]?.map((_, line) =>
      padded
        .map((cells) => cells[line])
        .join(GAP)
        .trimEnd(),
    ) ?? []
  );
}

/** The lines of a table. `width` is that of the terminal, `now` milliseconds since the epoch. */
export function renderTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { width, now, headers }: { readonly width: number; readonly now: number; readonly headers: boolean },
): string[] {
  const cells = columns.map((column): Cell[] => {
    const [name, read] = typeof column === 'string' ? [column, (row: Row) => row[column]] : column;
    const below = rows.map((row) => cellOf(name, read(row), now));
    return headers ? [{ text: heading(name).toUpperCase(), look: 'bold' }, ...below] : below;
  });
  return aligned(cells, width);
}

/** The fields of one thing, one below the other; what there is not is left out. */
export function renderFacts(fields: object, now: number): string[] {
  const facts = Object.entries(fields)
    .map(([name, value]) => ({ name: heading(name), cell: cellOf(name, value, now) }))
    .filter(({ cell }) => cell.text !== '-');
  const names = facts.map(({ name }) => ({ text: `${name.charAt(0).toUpperCase()}${name.slice(1)}:` }));
  return aligned([names, facts.map(({ cell }) => cell)], Number.POSITIVE_INFINITY);
}
