/** What differs between agents that run the same configuration: by name, the character that stands for it. */
const HOLES = { uid: '\uE000', port: '\uE001', ppid: '\uE002', host: '\uE003' } as const;

type Hole = keyof typeof HOLES;

export type Fillings = Readonly<Record<Hole, string>>;

/**
 * Stands for what is an agent's own, and takes as many bytes: starts with a private-use character (3 bytes), which no
 * configuration contains.
 */
export function hole(name: Hole, bytes: number): string {
  return HOLES[name].padEnd(bytes - 2, 'x');
}

/** Bytes shared by all agents but for the holes. */
export class Template {
  private readonly bytes: Buffer;
  private readonly holes: readonly { readonly at: number; readonly name: Hole }[];

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes);
    this.holes = (Object.keys(HOLES) as Hole[]).flatMap((name) => {
      const found = [];
      const mark = HOLES[name];
      for (let at = this.bytes.indexOf(mark); at >= 0; at = this.bytes.indexOf(mark, at + 1)) found.push({ at, name });
      return found;
    });
  }

  /** A copy for one agent; the fillings have the lengths of their holes. */
  fill(fillings: Fillings): Uint8Array {
    const copy = Buffer.from(this.bytes);
    for (const { at, name } of this.holes) copy.write(fillings[name], at, 'latin1');
    return copy;
  }
}
