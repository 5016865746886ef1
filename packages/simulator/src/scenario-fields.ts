import { isMap } from './go-yaml.ts';

/** A scenario that cannot be used: `path` says where, the message what is allowed there. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';
  readonly code = 'bad-scenario';
  /** Such as `groups[0].behaviours[2].kind`; empty for the whole file. */
  readonly path: string;

  constructor(path: string, problem: string, options?: { readonly cause?: unknown }) {
    super(path === '' ? problem : `${path}: ${problem}`, options);
    this.path = path;
  }
}

/** Takes a value of a scenario, or throws a `ScenarioError` with its path. */
export type Field<T> = (value: unknown, path: string) => T;

type Fields = Readonly<Record<string, Field<unknown>>>;
type Taken<F extends Fields> = { readonly [K in keyof F]?: ReturnType<F[K]> };

/** A mapping with these keys and no others; all are optional. */
export function mapping<F extends Fields>(fields: F): Field<Taken<F>> {
  return (value, path) => {
    if (!isMap(value)) throw new ScenarioError(path, `is ${shown(value)}; write a mapping`);
    const entries = Object.entries(value).map(([key, inner]) => {
      const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
      const at = path === '' ? key : `${path}.${key}`;
      if (field === undefined)
        throw new ScenarioError(at, `is not known; allowed are ${Object.keys(fields).join(', ')}`);
      return [key, field(inner, at)];
    });
    return Object.fromEntries(entries) as Taken<F>;
  };
}

export function list<T>(item: Field<T>): Field<readonly T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw new ScenarioError(path, `is ${shown(value)}; write a list`);
    return value.map((inner, i) => item(inner, `${path}[${i}]`));
  };
}

export function oneOf<const T extends string>(choices: readonly T[]): Field<T> {
  return (value, path) => {
    const choice = choices.find((candidate) => candidate === value);
    if (choice === undefined) throw new ScenarioError(path, `is ${shown(value)}; allowed are ${choices.join(', ')}`);
    return choice;
  };
}

export function whole(from: number, to: number): Field<number> {
  return (value, path) => {
    if (Number.isInteger(value) && Number(value) >= from && Number(value) <= to) return Number(value);
    throw new ScenarioError(path, `is ${shown(value)}; write a whole number from ${from} to ${to}`);
  };
}

export function fraction(above: number, to: number): Field<number> {
  return (value, path) => {
    if (typeof value === 'number' && value > above && value <= to) return value;
    throw new ScenarioError(path, `is ${shown(value)}; write a number above ${above}, at most ${to}`);
  };
}

export const flag: Field<boolean> = (value, path) => {
  if (typeof value === 'boolean') return value;
  throw new ScenarioError(path, `is ${shown(value)}; write true or false`);
};

export function text(pattern: RegExp, wanted: string): Field<string> {
  return (value, path) => {
    if (typeof value === 'string' && pattern.test(value)) return value;
    throw new ScenarioError(path, `is ${shown(value)}; write ${wanted}`);
  };
}

/** Label values: texts, or numbers and booleans as YAML reads them. */
export const labels: Field<Readonly<Record<string, string>>> = (value, path) => {
  if (!isMap(value)) throw new ScenarioError(path, `is ${shown(value)}; write a mapping of names to values`);
  return Object.fromEntries(
    Object.entries(value).map(([key, label]) => {
      if (['string', 'number', 'boolean'].includes(typeof label)) return [key, String(label)];
      throw new ScenarioError(`${path}.${key}`, `is ${shown(label)}; write a text`);
    }),
  );
};

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds, from `500ms`, `2s`, `1.5m`, `1h`. */
export const duration: Field<number> = (value, path) => {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(String(value)) ?? [];
  if (amount !== undefined && unit !== undefined) return Number(amount) * (UNITS[unit] ?? 1);
  throw new ScenarioError(path, `is ${shown(value)}; write a duration such as 500ms, 2s or 1m`);
};

/** A duration, or two with `..` between: chosen anew each time. */
export const durations: Field<readonly [number, number]> = (value, path) => {
  const [from, to = from] = String(value).split('..');
  const range = [duration(from, path), duration(to, path)] as const;
  if (range[0] > range[1]) throw new ScenarioError(path, `is ${shown(value)}; write the shorter duration first`);
  return range;
};

/** Bytes, from a number, `2KiB` or `1MiB`. */
export function size(most: number): Field<number> {
  return (value, path) => {
    const [, amount, unit] = /^(\d+)(KiB|MiB)?$/.exec(String(value)) ?? [];
    const bytes = Number(amount) * (unit === 'MiB' ? 2 ** 20 : unit === 'KiB' ? 2 ** 10 : 1);
    if (bytes <= most) return bytes;
    throw new ScenarioError(path, `is ${shown(value)}; write a size up to ${most}, such as 20KiB`);
  };
}

function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value);
  return json.length > 60 ? `${json.slice(0, 60)}…` : json;
}
