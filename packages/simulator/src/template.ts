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

/** Of bytes that all agents share but for the holes: makes one agent's own. Fillings have the lengths of their holes. */
export function template(shared: Uint8Array): (fillings: Fillings) => Uint8Array {
  const bytes = Buffer.from(shared);
  const holes = (Object.keys(HOLES) as Hole[]).flatMap((name) => {
    const found = [];
    const mark = HOLES[name];
    for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + 1)) found.push({ at, name });
    return found;
  });
  return (fillings) => {
    const copy = Buffer.from(bytes);
    for (const { at, name } of holes) copy.write(fillings[name], at, 'latin1');
    return copy;
  };
}
