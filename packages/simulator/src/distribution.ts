import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

export type Config = Readonly<Record<string, unknown>>;

export type Kind = 'receivers' | 'processors' | 'exporters' | 'extensions' | 'connectors';

const DISTRIBUTION = parse(readFileSync(`${import.meta.dirname}/distribution.yaml`, 'utf8')) as {
  readonly components: Readonly<Record<Kind, readonly string[]>>;
  readonly supervisor: Config;
  readonly parser: Readonly<Record<string, string>>;
  readonly defaults: Readonly<Record<string, Config>>;
};

/** The types of each kind that the collector contains. */
export const TYPES = DISTRIBUTION.components;

export const KINDS = Object.keys(TYPES) as readonly Kind[];

/** What the Supervisor's parser says, by the error code of ours. */
export const PARSER_WORDS = DISTRIBUTION.parser;

/** What the Supervisor adds below every configuration, with the words in <> filled in. */
export function supervisorBlocks(words: Readonly<Record<string, string>>): Config {
  return parse(JSON.stringify(DISTRIBUTION.supervisor).replaceAll(/<(\w+)>/g, (_, name) => words[name] ?? ''));
}

/** A configuration as its collector prints it: defaults filled in, header values hidden. */
export function printed(value: unknown, parent = 'collector', key = 'config'): unknown {
  // Header values are opaque to the collector, and printed as a list.
  if (key === 'headers' && isMap(value))
    return Array.from(Object.keys(value).sort(), (name) => ({ name, value: '[REDACTED]' }));
  const isComponent = KINDS.some((kind) => kind === parent);
  const defaults = DISTRIBUTION.defaults[`${parent}/${typeOf(key)}`] ?? (isComponent ? {} : undefined);
  if (defaults === undefined && !isMap(value)) return value;
  const whole = merge(defaults ?? {}, isMap(value) ? value : {});
  return Object.fromEntries(Object.entries(whole).map(([name, inner]) => [name, printed(inner, key, name)]));
}

/** `otlp` of `otlp/secondary`. */
export const typeOf = (id: string): string => id.replace(/\/.*/s, '');

/** The Collector's rule: maps merge, everything else is replaced. Changes neither. */
export function merge(below: Config, above: Config): Config {
  const merged: Record<string, unknown> = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const old = merged[key];
    merged[key] = isMap(old) && isMap(value) ? merge(old, value) : value;
  }
  return merged;
}

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
