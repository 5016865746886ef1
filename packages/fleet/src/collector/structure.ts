/** What a collector configuration consists of: component ids per section and the wiring of its pipelines. */
import type { EffectiveVerdict } from '../convergence/ledger.ts';
import { LIMITS } from '../limits.ts';
import { readDocument } from './document.ts';

const SECTIONS = ['receivers', 'processors', 'exporters', 'connectors', 'extensions'] as const;
const PARTS = ['receivers', 'processors', 'exporters'] as const;

type Lists<Name extends string> = Readonly<Record<Name, readonly string[]>>;
type Pipeline = Lists<(typeof PARTS)[number]>;

export interface Structure {
  readonly components: Lists<(typeof SECTIONS)[number]>;
  readonly pipelines: Readonly<Record<string, Pipeline>>;
  readonly serviceExtensions: readonly string[];
}

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

function lists<Name extends string>(of: readonly Name[], list: (name: Name) => string[]): Lists<Name> {
  return Object.fromEntries(of.map((name) => [name, list(name)])) as Record<Name, string[]>;
}

function structureOf(config: Mapping): Structure {
  const service = mapping(config['service']);
  const pipelines = Object.entries(mapping(service['pipelines'])).map(([id, value]) => {
    const pipeline = mapping(value);
    return [id, lists(PARTS, (part) => names(pipeline[part]))] as const;
  });
  return {
    components: lists(SECTIONS, (section) => Object.keys(mapping(config[section]))),
    pipelines: Object.fromEntries(pipelines),
    serviceExtensions: names(service['extensions']),
  };
}

/**
 * Understands the texts of one configuration as the Supervisor merges them: by key, the empty key last. Never throws;
 * hostile text (R16) ends as `unparsed`. The caller bounds the time.
 */
export function understand(bodies: Readonly<Record<string, string>>): Understood {
  const keys = Object.keys(bodies).sort((a, b) => Number(a === '') - Number(b === '') || (a < b ? -1 : 1));
  let merged: unknown = {};
  for (const key of keys) {
    const body = bodies[key] ?? '';
    if (body.length > LIMITS.effectiveBytes) return { unparsed: `larger than ${LIMITS.effectiveBytes} bytes` };
    try {
      const read = readDocument(body);
      if ('tooMuch' in read) return { unparsed: read.tooMuch };
      const [error] = read.document.errors;
      if (error !== undefined) return { unparsed: error.message };
      const value: unknown = read.document.toJS({ maxAliasCount: LIMITS.yamlAliases });
      if (value !== null && (typeof value !== 'object' || Array.isArray(value))) return { unparsed: 'not a mapping' };
      merged = merge(merged, value ?? {});
    } catch (error) {
      return { unparsed: error instanceof Error ? error.message : 'not YAML' };
    }
  }
  return { structure: structureOf(mapping(merged)) };
}

/** The order of `part` is kept in `whole`, which may hold more. */
function isSubsequence(part: readonly string[], whole: readonly string[]): boolean {
  let at = 0;
  for (const item of whole) if (item === part[at]) at += 1;
  return at === part.length;
}

/** Names that the agent expands or hides, so that their absence says nothing. */
const UNCERTAIN = /\$\{|\[REDACTED\]/;
const certain = (names: readonly string[]): string[] => names.filter((name) => !UNCERTAIN.test(name));

function missing(offered: readonly string[], effective: readonly string[]): string[] {
  const present = new Set(effective);
  return certain(offered).filter((id) => !present.has(id));
}

/** Everything that was offered and is not there, one after the other. */
function* contradictions(offered: Structure, effective: Structure): Generator<string> {
  for (const section of SECTIONS) {
    for (const id of missing(offered.components[section], effective.components[section]))
      yield `${section.slice(0, -1)} ${id} is not in the effective config`;
  }
  for (const [id, pipeline] of Object.entries(offered.pipelines)) {
    if (UNCERTAIN.test(id)) continue;
    const found = Object.hasOwn(effective.pipelines, id) ? effective.pipelines[id] : undefined;
    if (found === undefined) yield `pipeline ${id} is not in the effective config`;
    else yield* lostWires(id, pipeline, found);
  }
  for (const id of missing(offered.serviceExtensions, effective.serviceExtensions))
    yield `extension ${id} is not enabled in the effective config`;
}

function* lostWires(id: string, offered: Pipeline, effective: Pipeline): Generator<string> {
  for (const part of ['receivers', 'exporters'] as const) {
    for (const lost of missing(offered[part], effective[part]))
      yield `pipeline ${id} lacks ${part.slice(0, -1)} ${lost} in the effective config`;
  }
  const wanted = certain(offered.processors);
  if (!isSubsequence(wanted, effective.processors))
    yield `pipeline ${id} has processors [${effective.processors.join(', ')}] in the effective config, not [${wanted.join(', ')}] in this order`;
}

/** Every id that a structure names, pipelines included. */
function idsOf({ components, pipelines, serviceExtensions }: Structure): string[] {
  const wired = Object.values(pipelines).flatMap((pipeline) => Object.values(pipeline).flat());
  return [...Object.values(components).flat(), ...Object.keys(pipelines), ...wired, ...serviceExtensions];
}

/**
 * Does the effective config contain what was offered (S5)? Parts that the agent added are no contradiction; a component
 * or a wire that is missing is. Names that the agent expands or redacts leave it open, and so does an offer whose
 * pipelines stand in another place (`${file:…}`).
 */
export function compareStructures(offered: Structure, effective: Structure): EffectiveVerdict {
  const [why] = contradictions(offered, effective);
  if (why !== undefined) return { kind: 'contradicted', why };
  const uncertain = idsOf(offered).find((id) => UNCERTAIN.test(id));
  if (uncertain !== undefined)
    return { kind: 'inconclusive', why: `${uncertain} is expanded or redacted by the agent` };
  if (Object.keys(offered.pipelines).length === 0)
    return { kind: 'inconclusive', why: 'the revision itself names no pipelines to compare' };
  return { kind: 'confirmed' };
}
