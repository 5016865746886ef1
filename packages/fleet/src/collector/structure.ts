/** What a collector configuration consists of: component ids per section and the wiring of its pipelines. */
import type { EffectiveVerdict } from '../convergence/ledger.ts';
import { LIMITS } from '../limits.ts';
import { readDocument } from './document.ts';

const SECTIONS = ['receivers', 'processors', 'exporters', 'connectors', 'extensions'] as const;
const PARTS = ['receivers', 'processors', 'exporters'] as const;

/** The names that a configuration lists, by their place: `receivers`, `service.pipelines.traces.exporters` and so on. */
export type Structure = Readonly<Record<string, readonly string[]>>;

/** A structure, or why the text could not be understood. */
export type Understood = { readonly structure: Structure } | { readonly unparsed: string };

type Mapping = Readonly<Record<string, unknown>>;

const mapping = (value: unknown): Mapping =>
  value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Mapping) : {};
const names = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];

/** Merges as the Supervisor does: maps merge, lists and scalars of the later one replace (real-agents 4.4). */
function merge(base: unknown, over: unknown): unknown {
  if (over === null || typeof over !== 'object' || Array.isArray(over)) return over;
  const result: Record<string, unknown> = Object.assign(Object.create(null), mapping(base));
  for (const [key, value] of Object.entries(over)) result[key] = merge(result[key], value);
  return result;
}

function structureOf(config: Mapping): Structure {
  const service = mapping(config['service']);
  const pipelines = mapping(service['pipelines']);
  const structure: Record<string, readonly string[]> = {};
  for (const section of SECTIONS) structure[section] = Object.keys(mapping(config[section]));
  structure['service.pipelines'] = Object.keys(pipelines);
  for (const [id, pipeline] of Object.entries(pipelines)) {
    for (const part of PARTS) structure[`service.pipelines.${id}.${part}`] = names(mapping(pipeline)[part]);
  }
  structure['service.extensions'] = names(service['extensions']);
  return structure;
}

/** @throws Error that says why the text is no configuration. */
function read(body: string): Mapping {
  if (body.length > LIMITS.effectiveBytes) throw new RangeError(`larger than ${LIMITS.effectiveBytes} bytes`);
  const document = readDocument(body);
  const [error] = document.errors;
  if (error !== undefined) throw error;
  const value: unknown = document.toJS({ maxAliasCount: LIMITS.yamlAliases }) ?? {};
  if (typeof value !== 'object' || Array.isArray(value)) throw new TypeError('not a mapping');
  return mapping(value);
}

/**
 * Understands the texts of one configuration as the Supervisor merges them: by key, the empty key last. Never throws;
 * hostile text (R16) ends as `unparsed`. The caller bounds the time.
 */
export function understand(bodies: Readonly<Record<string, string>>): Understood {
  const keys = Object.keys(bodies).sort((a, b) => Number(a === '') - Number(b === '') || (a < b ? -1 : 1));
  try {
    const merged = keys.map((key) => read(bodies[key] ?? '')).reduce(merge, {});
    return { structure: structureOf(mapping(merged)) };
  } catch (error) {
    return { unparsed: error instanceof Error ? error.message : 'not YAML' };
  }
}

/** The order of `part` is kept in `whole`, which may hold more. */
function isSubsequence(part: readonly string[], whole: readonly string[]): boolean {
  let at = 0;
  for (const item of whole) if (item === part[at]) at += 1;
  return at === part.length;
}

/** Names that the agent expands or hides, so that their absence says nothing. */
const UNCERTAIN = /\$\{|\[REDACTED\]/;

/** The first thing that was offered and is not there; processors must also stand in their order. */
function contradiction(offered: Structure, effective: Structure): string | undefined {
  for (const [place, names] of Object.entries(offered)) {
    if (UNCERTAIN.test(place)) continue;
    const wanted = names.filter((name) => !UNCERTAIN.test(name));
    const found = effective[place] ?? [];
    const present = new Set(found);
    const missing = wanted.find((name) => !present.has(name));
    if (missing !== undefined) return `${missing} is missing from ${place} of the effective config`;
    if (place.endsWith('.processors') && !isSubsequence(wanted, found))
      return `${place} is [${found.join(', ')}] in the effective config, not [${wanted.join(', ')}] in this order`;
  }
  return undefined;
}

/**
 * Does the effective config contain what was offered (S5)? Parts that the agent added are no contradiction; a component
 * or a wire that is missing is. Names that the agent expands or redacts leave it open, and so does an offer whose
 * pipelines stand in another place (`${file:…}`).
 */
export function compareStructures(offered: Structure, effective: Structure): EffectiveVerdict {
  const why = contradiction(offered, effective);
  if (why !== undefined) return { kind: 'contradicted', why };
  const uncertain = Object.values(offered)
    .flat()
    .find((name) => UNCERTAIN.test(name));
  if (uncertain !== undefined)
    return { kind: 'inconclusive', why: `${uncertain} is expanded or redacted by the agent` };
  if (offered['service.pipelines']?.length === 0)
    return { kind: 'inconclusive', why: 'the revision itself names no pipelines to compare' };
  return { kind: 'confirmed', why: '' };
}
