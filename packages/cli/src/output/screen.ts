import { stripVTControlCharacters } from 'node:util';
import type { Io, Output } from '../io.ts';
import { paintedLines, plainLines } from './text.ts';

/** A stream that people may look at: in colours at a terminal, unless `NO_COLOR` is set or the terminal is a dumb one. */
export function screenOn(output: Output, env: Io['env']) {
  const isTTY = output.isTTY ?? false;
  const colours = isTTY && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  let drawn: readonly string[] = [];

  function painted(text: string): string {
    const safe = paintedLines(text);
    return colours ? safe : stripVTControlCharacters(safe);
  }

  /** Lines that we say, painted; what others wrote in them went through `oneLine`. */
  function print(lines: readonly string[]): void {
    output.write(painted(lines.map((line) => `${line}\n`).join('')));
  }

  /** What others wrote: to a file as it is, to a terminal without anything that it would obey, each line painted. */
  function foreign(text: string, paintedLine = (line: string): string => line): void {
    output.write(isTTY ? painted(plainLines(text).split('\n').map(paintedLine).join('\n')) : text);
  }

  /** Draws lines over those of the drawing before; where nobody looks, prints those that are new. */
  function draw(lines: readonly string[]): void {
    const before = drawn;
    drawn = lines;
    if (lines.join('\n') === before.join('\n')) return;
    if (isTTY) {
      const back = before.length === 0 ? '' : `\u001b[${before.length}A`;
      output.write(`${back}${lines.map((line) => `${painted(line)}\u001b[K\n`).join('')}\u001b[J`);
    } else {
      print(lines.filter((line) => !before.includes(line)));
    }
  }

  /** Columns that there are, unlimited when nobody looks. A terminal without a size says 0. */
  const width = (): number => (isTTY ? output.columns || 80 : Number.POSITIVE_INFINITY);

  /** Lines that there are. */
  const rows = (): number => (isTTY ? output.rows || 24 : Number.POSITIVE_INFINITY);

  return { isTTY, width, rows, print, foreign, draw };
}
