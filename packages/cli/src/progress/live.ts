/** Lines at the end of a terminal that are drawn again in place. */
import type { Output } from '../io.ts';

export class LiveLines {
  readonly #output: Output;
  #shown: readonly string[] = [];

  constructor(output: Output) {
    this.#output = output;
  }

  draw(lines: readonly string[]): void {
    if (lines.join('\n') === this.#shown.join('\n')) return;
    const back = this.#shown.length === 0 ? '' : `\u001b[${this.#shown.length}A`;
    this.#output.write(`${back}${lines.map((line) => `${line}\u001b[K\n`).join('')}\u001b[J`);
    this.#shown = lines;
  }

  /** What stands there stays; the next drawing begins below it. */
  end(): void {
    this.#shown = [];
  }
}
