/** Aligned tables, cut to the terminal: `columns` say how a row becomes cells. */
import { cut, oneLine, widthOf } from './text.ts';

/** A text, or a text with the way it is painted (after it was cut and padded). */
export type Cell = string | { readonly text: string; readonly paint: (text: string) => string };

export interface Column<Row> {
  readonly header: string;
  readonly cell: (row: Row) => Cell;
  /** Shown by `-o wide` and by `show` only. */
  readonly wide?: boolean;
  /** Numbers stand at the right. */
  readonly right?: boolean;
  /** Narrowest it may become where there is no room; columns without it keep their width. */
  readonly least?: number;
}

export interface TableOptions {
  /** Columns of the terminal. */
  readonly width: number;
  readonly headers?: boolean | undefined;
  readonly wide?: boolean | undefined;
  readonly paintHeader?: ((text: string) => string) | undefined;
}

const GAP = '  ';
const UNPAINTED = (text: string): string => text;

function parts(cell: Cell): Exclude<Cell, string> {
  return typeof cell === 'string' ? { text: cell, paint: UNPAINTED } : cell;
}

/** Takes what is too much from whatever column has most to spare. */
function squeezed(wanted: readonly number[], least: readonly (number | undefined)[], room: number): number[] {
  const widths = [...wanted];
  for (let excess = widths.reduce((sum, width) => sum + width, 0) - room; excess > 0; excess -= 1) {
    const spare = widths.map((width, index) => width - (least[index] ?? width));
    const most = Math.max(...spare);
    if (most <= 0) break;
    widths[spare.indexOf(most)] = (widths[spare.indexOf(most)] ?? 0) - 1;
  }
  return widths;
}

/** The lines of a table, each with its newline; empty without rows and headers. */
export function renderTable<Row>(
  all: readonly Column<Row>[],
  rows: readonly Row[],
  { width, headers = true, wide = false, paintHeader = UNPAINTED }: TableOptions,
): string {
  const columns = all.filter((column) => wide || !column.wide);
  const cells = rows.map((row) =>
    columns.map((column) => {
      const { text, paint } = parts(column.cell(row));
      return { text: oneLine(text), paint };
    }),
  );
  const heading = columns.map(({ header }) => ({ text: header, paint: paintHeader }));
  const lines = headers ? [heading, ...cells] : cells;
  const wanted = columns.map((_, index) =>
    lines.reduce((most, line) => Math.max(most, widthOf(line[index]?.text ?? '')), 0),
  );
  const room = width - GAP.length * (columns.length - 1);
  const widths = squeezed(
    wanted,
    columns.map(({ least }) => least),
    room,
  );
  return lines
    .map((line) => {
      const padded = line.map(({ text, paint }, index) => {
        const place = widths[index] ?? 0;
        const shown = cut(text, place);
        const space = ' '.repeat(place - widthOf(shown));
        if (columns[index]?.right) return `${space}${paint(shown)}`;
        return index === line.length - 1 ? paint(shown) : `${paint(shown)}${space}`;
      });
      return `${padded.join(GAP).trimEnd()}\n`;
    })
    .join('');
}

/** Everything that the columns say of one thing, one below the other; what there is not (`-`) is left out. */
export function renderFacts<Row>(columns: readonly Column<Row>[], row: Row): string {
  const width = Math.max(...columns.map(({ header }) => header.length)) + 3;
  return columns
    .map(({ header, cell }) => {
      const { text, paint } = parts(cell(row));
      const name = `${header.charAt(0)}${header.slice(1).toLowerCase()}:`;
      return text === '-' || text === '' ? '' : `${name.padEnd(width)}${paint(oneLine(text))}\n`;
    })
    .join('');
}
