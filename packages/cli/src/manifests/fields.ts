/** Reads mappings of a manifest with their places, so that every complaint names file, line and column. */
import { isMap, isScalar, type LineCounter, type Node, type YAMLMap } from 'yaml';
import { CliError } from '../exit-code.ts';

/** Where a text is from. */
export interface Source {
  readonly file: string;
  readonly lines: LineCounter;
}

function placeOf({ file, lines }: Source, node: unknown): string {
  const { line, col } = lines.linePos((node as Node | null)?.range?.[0] ?? 0);
  return `${file}:${line || 1}:${col || 1}`;
}

export function complaint(source: Source, node: unknown, message: string): CliError {
  return new CliError(`${placeOf(source, node)}: ${message}`);
}

/** One mapping. Fields are taken out; `end` complains of those that nobody took. */
export class Fields {
  readonly #source: Source;
  readonly #map: YAMLMap;
  readonly #path: string;
  readonly #taken = new Set<string>();

  constructor(source: Source, node: unknown, path: string) {
    if (!isMap(node)) throw complaint(source, node, `${path || 'the document'} must be a mapping`);
    this.#source = source;
    this.#map = node;
    this.#path = path;
  }

  #name(key: string): string {
    return this.#path === '' ? key : `${this.#path}.${key || '""'}`;
  }

  #node(key: string): unknown {
    this.#taken.add(key);
    return this.#map.get(key, true);
  }

  wrong(key: string, message: string): CliError {
    return complaint(this.#source, this.#map.get(key, true) ?? this.#map, `${this.#name(key)} ${message}`);
  }

  text(key: string): string | undefined {
    const node = this.#node(key);
    if (node === undefined) return undefined;
    if (!isScalar(node) || typeof node.value !== 'string') throw this.wrong(key, 'must be a text');
    return node.value;
  }

  neededText(key: string): string {
    const text = this.text(key);
    if (text === undefined) throw this.wrong(key, 'is missing');
    return text;
  }

  integer(key: string): number | undefined {
    const node = this.#node(key);
    if (node === undefined) return undefined;
    if (!isScalar(node) || !Number.isSafeInteger(node.value)) throw this.wrong(key, 'must be a whole number');
    return node.value as number;
  }

  fields(key: string): Fields {
    const node = this.#node(key);
    if (node === undefined) throw this.wrong(key, 'is missing');
    return new Fields(this.#source, node, this.#name(key));
  }

  keys(): string[] {
    return this.#map.items.map(({ key }) => (isScalar(key) ? String(key.value) : ''));
  }

  /** @throws CliError at the first key that does not belong here; `later` are those that a coming version knows. */
  end(later: readonly string[] = []): void {
    for (const { key } of this.#map.items) {
      const name = isScalar(key) ? String(key.value) : String(key);
      if (this.#taken.has(name)) continue;
      const why = later.includes(name)
        ? 'does not work yet in this version: leave it out'
        : `is not known here; there is: ${[...this.#taken].join(', ')}`;
      throw complaint(this.#source, key, `${this.#name(name)} ${why}`);
    }
  }
}
