/** What differs between agents that run the same configuration. */
export const HOLES = ['uid', 'port', 'ppid', 'host'] as const;

export type Hole = (typeof HOLES)[number];

export type Fillings = Readonly<Record<Hole, string>>;

/** Stands for a hole in a text; private-use characters, which no configuration contains. */
export function hole(name: Hole): string {
  return `\uE000${name}\uE001`;
}

/** A text shared by all agents, in UTF-8, with holes for what is their own. */
export class Template {
  /** The text with its holes. */
  readonly text: string;
  private readonly parts: readonly { readonly bytes: Buffer; readonly hole: Hole | undefined }[];

  constructor(text: string) {
    this.text = text;
    const pieces = text.split(/\uE000(\w+)\uE001/);
    this.parts = pieces.flatMap((piece, i) => {
      if (i % 2 === 1) return [];
      const name = HOLES.find((candidate) => candidate === pieces[i + 1]);
      return [{ bytes: Buffer.from(piece), hole: name }];
    });
  }

  fill(fillings: Fillings): readonly Uint8Array[] {
    return this.parts.flatMap(({ bytes, hole: name }) => {
      return name === undefined ? [bytes] : [bytes, Buffer.from(fillings[name])];
    });
  }
}
