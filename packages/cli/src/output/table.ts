/** Aligned tables, cut to the terminal, and facts below each other. */
import { paint, paintState } from './paint.ts';
import { cut, oneLine, widthOf } from './text.ts';
import { words } from './words.ts';

/** A field of the row by its name, or a heading and what stands below it. */
export type Column<Row> = (keyof Row & string) | readonly [heading: string, cell: (row: Row) => unknown];

const GAP = '  ';
/** Written to be read: these give way where a terminal is narrow. What may be typed, and states, are never cut. */
const PROSE: ReadonlySet<string> = new Set(
  'message summary reason description error data selector events stages groups url'.split(' '),
);
/** Narrower than that they become only when it is the last of them, and narrower than this it is left out. */
const LEAST = 12;
const LEAST_LAST = 4;
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

/** How wide each column becomes, `room` altogether where that can be: prose gives way, the widest first. */
function fitted(natural: readonly number[], isProse: readonly boolean[], room: number): number[] {
  const widths = [...natural];
  let excess = widths.reduce((sum, width) => sum + width + GAP.length, -GAP.length) - room;
  const cutWhile = (columns: readonly number[], least: number): void => {
    const widest = () => columns.reduce((a, b) => ((widths[b] ?? 0) > (widths[a] ?? 0) ? b : a), columns[0] ?? -1);
    for (let at = widest(); excess > 0 && (widths[at] ?? 0) > least; at = widest()) {
      widths[at] = (widths[at] ?? 0) - 1;
      excess -= 1;
    }
  };
  const prose = [...isProse.keys()].filter((column) => isProse[column]);
  const last = prose.filter((column) => column === widths.length - 1);
  cutWhile(prose, LEAST);
  cutWhile(last, LEAST_LAST);
  return excess > 0 ? widths.map((width, column) => (last.includes(column) ? 0 : width)) : widths;
}

/** Lines of cells below each other. Numbers stand at the right. */
function aligned(
  rows: readonly (readonly string[])[],
  headings: readonly string[],
  fit: (widths: number[]) => number[],
) {
  const lines = headings.length === 0 ? rows : [headings, ...rows];
  const columns = [...(lines[0] ?? []).keys()];
  const natural = columns.map((column) => lines.reduce((most, line) => Math.max(most, widthOf(line[column] ?? '')), 0));
  const widths = fit(natural);
  const numbers = columns.map((column) => rows.every((row) => NUMBER.test(row[column] ?? '')));
  return lines.map((line) => {
    const cells = line.map((cell, column) => {
      const width = widths[column] ?? 0;
      const shown = width === 0 ? '' : cut(cell, width);
      const space = ' '.repeat(width - widthOf(shown));
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
  const isProse = named.map(([name]) => PROSE.has(name));
  return aligned(cells, headings, (widths) => fitted(widths, isProse, width));
}

/** The fields of one thing, one below the other; what there is not is left out. */
export function renderFacts(fields: object, now: number): string[] {
  const facts = Object.entries(fields).map(([field, value]) => {
    const name = heading(field);
    return [`${name.charAt(0).toUpperCase()}${name.slice(1)}:`, cellOf(field, value, now)];
  });
  const told = facts.filter(([, text]) => text !== '-');
  return aligned(told, [], (widths) => widths);
}
