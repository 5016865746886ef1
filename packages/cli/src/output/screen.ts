/** A stream that people may look at. */
import { stripVTControlCharacters } from 'node:util';
import type { Io, Output } from '../io.ts';
import { paintedLines, plainLines } from './text.ts';

export class Screen {
  readonly #output: Output;
  readonly #colours: boolean;
  readonly isTTY: boolean;
  #drawn: readonly string[] = [];

  /** In colours at a terminal, unless `NO_COLOR` is set or the terminal is a dumb one. */
  constructor(output: Output, env: Io['env']) {
    this.#output = output;
    this.isTTY = output.isTTY ?? false;
    this.#colours = this.isTTY && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  }

  /** Columns that there are; unlimited when nobody looks. */
  get width(): number {
    return this.isTTY ? (this.#output.columns ?? 80) : Number.POSITIVE_INFINITY;
  }

  /** Lines that we say, painted; what others wrote in them went through `oneLine`. */
  print(lines: readonly string[]): void {
    this.#output.write(this.#painted(lines.map((line) => `${line}\n`).join('')));
  }

  /** What others wrote: to a file as it is, to a terminal without anything that it would obey, each line painted. */
  foreign(text: string, painted = (line: string): string => line): void {
    if (!this.isTTY) this.#output.write(text);
    else this.#output.write(this.#painted(plainLines(text).split('\n').map(painted).join('\n')));
  }

  /** Draws lines over those of the drawing before; where nobody looks, prints those that are new. */
  draw(lines: readonly string[]): void {
    const before = this.#drawn;
    if (lines.join('\n') === before.join('\n')) return;
    this.#drawn = lines;
    if (this.isTTY) {
      const back = before.length === 0 ? '' : `\u001b[${before.length}A`;
      this.#output.write(`${back}${lines.map((line) => `${this.#painted(line)}\u001b[K\n`).join('')}\u001b[J`);
    } else {
      this.print(lines.filter((line) => !before.includes(line)));
    }
  }

  #painted(text: string): string {
    const safe = paintedLines(text);
    return this.#colours ? safe : stripVTControlCharacters(safe);
  }
}
