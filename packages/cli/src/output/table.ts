/** Aligned tables, cut to the terminal, and facts below each other. */
import { type Look, paint, stateLook } from './paint.ts';
import { cut, oneLine, widthOf } from './text.ts';
import { words } from './words.ts';

/** A field of the row by its name, or a heading and what stands below it. */
export type Column<Row> = (keyof Row & string) | readonly [heading: string, cell: (row: Row) => unknown];

export interface TableOptions {
  /** Columns of the terminal; what is too long for them is cut. */
  readonly width: number;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
  readonly headers?: boolean | undefined;
}

interface Cell {
  readonly text: string;
  readonly look?: Look;
}

const GAP = '  ';
/** Narrower than that no column becomes. */
const LEAST = 12;
/** `12`, `9/12`, `1.5 s` */
const NUMBER = /^[\d./]+( s)?$/;

function cellOf(name: string, value: unknown, now: number): Cell {
  if ((name === 'state' || name === 'phase') && typeof value === 'string') return stateLook(oneLine(value));
  return { text: oneLine(words(value, now)) };
}

/** `instanceUid` as `instance uid`, `createdAt` as `created` */
function heading(name: string): string {
  return name.replace(/At$/, '').replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** The lines of a table, each with its newline. Columns of numbers stand at the right; the widest columns give way. */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], options: TableOptions): string {
  const { width: room, now, headers = true } = options;
  const drawn = columns.map((column) => {
    const [name, read] = typeof column === 'string' ? [column, (row: Row) => row[column]] : column;
    const cells = rows.map((row) => cellOf(name, read(row), now));
    const lines: Cell[] = headers ? [{ text: heading(name).toUpperCase(), look: 'bold' }, ...cells] : cells;
    const width = lines.reduce((most, { text }) => Math.max(most, widthOf(text)), 0);
    return { lines, width, right: cells.every(({ text }) => NUMBER.test(text)) };
  });
  let excess = drawn.reduce((sum, { width }) => sum + width + GAP.length, -GAP.length) - room;
  for (; excess > 0; excess -= 1) {
    const widest = drawn.reduce((one, other) => (other.width > one.width ? other : one));
    if (widest.width <= LEAST) break;
    widest.width -= 1;
  }
  const line = (index: number): string => {
    const cells = drawn.map(({ lines, width, right }) => {
      const { text, look } = lines[index] ?? { text: '' };
      const shown = cut(text, width);
      const space = ' '.repeat(width - widthOf(shown));
      const painted = look === undefined ? shown : paint(look, shown);
      return right ? `${space}${painted}` : `${painted}${space}`;
    });
    return `${cells.join(GAP).trimEnd()}\n`;
  };
  return Array.from({ length: drawn[0]?.lines.length ?? 0 }, (_, index) => line(index)).join('');
}

/** The fields of one thing, one below the other; what there is not is left out. */
export function renderFacts(fields: object, now: number): string {
  const facts = Object.entries(fields)
    .map(([name, value]) => [heading(name), cellOf(name, value, now)] as const)
    .filter(([, { text }]) => text !== '-');
  const width = Math.max(...facts.map(([name]) => name.length)) + 3;
  return facts
    .map(([name, { text, look }]) => {
      const label = `${name.charAt(0).toUpperCase()}${name.slice(1)}:`;
      return `${label.padEnd(width)}${look === undefined ? text : paint(look, text)}\n`;
    })
    .join('');
}
