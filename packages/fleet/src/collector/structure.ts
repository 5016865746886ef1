/** What a collector configuration consists of: component ids per section and the wiring of its pipelines. */
import type { EffectiveVerdict } from '../convergence/ledger.ts';
import { LIMITS } from '../limits.ts';
import { readDocument } from './document.ts';

export const SECTIONS = ['receivers', 'processors', 'exporters', 'connectors', 'extensions'] as const;
export type Section = (typeof SECTIONS)[number];

export interface Pipeline {
  readonly receivers: readonly string[];
  readonly processors: readonly string[];
  readonly exporters: readonly string[];
}

export interface Structure {
  readonly components: Readonly<Record<Section, readonly string[]>>;
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

function structureOf(config: Mapping): Structure {
  const service = mapping(config['service']);
  const components = Object.fromEntries(SECTIONS.map((section) => [section, Object.keys(mapping(config[section]))]));
  const pipelines: Record<string, Pipeline> = Object.create(null);
  for (const [id, value] of Object.entries(mapping(service['pipelines']))) {
    const pipeline = mapping(value);
    pipelines[id] = {
      receivers: names(pipeline['receivers']),
      processors: names(pipeline['processors']),
      exporters: names(pipeline['exporters']),
    };
  }
  return {
    components: components as Record<Section, string[]>,
    pipelines,
    serviceExtensions: names(service['extensions']),
  };
}

/**
 * Understands the texts of one configuration as the Supervisor merges them: by key, the empty key last. Never throws;
 * hostile text (R16) ends as `unparsed`. The caller bounds the time.
 */
export function understand(bodies: Readonly<Record<string, string>>): Understood {
  const keys = Object.keys(bodies).sort((a, b) => (a === '' ? 1 : b === '' ? -1 : a < b ? -1 : 1));
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

function missing(offered: readonly string[], effective: readonly string[]): string | undefined {
  const present = new Set(effective);
  return certain(offered).find((id) => !present.has(id));
}

function pipelineContradiction(id: string, offered: Pipeline, effective: Pipeline | undefined): string | undefined {
  if (effective === undefined) return `pipeline ${id} is not in the effective config`;
  for (const part of ['receivers', 'exporters'] as const) {
    const lost = missing(offered[part], effective[part]);
    if (lost !== undefined) return `pipeline ${id} lacks ${part.slice(0, -1)} ${lost} in the effective config`;
  }
  const wanted = certain(offered.processors);
  if (!isSubsequence(wanted, effective.processors)) {
    return `pipeline ${id} has processors [${effective.processors.join(', ')}] in the effective config, not [${wanted.join(', ')}] in this order`;
  }
  return undefined;
}

/** Every id that a structure names, pipelines included. */
function idsOf({ components, pipelines, serviceExtensions }: Structure): string[] {
  const wired = Object.values(pipelines).flatMap((part) => [...part.receivers, ...part.processors, ...part.exporters]);
  return [...Object.values(components).flat(), ...Object.keys(pipelines), ...wired, ...serviceExtensions];
}

/**
 * Does the effective config contain what was offered (S5)? Parts that the agent added are no contradiction; a component
 * or a wire that is missing is. Names that the agent expands or redacts leave it open, and so does an offer whose
 * pipelines stand in another place (`${file:…}`).
 */
export function compareStructures(offered: Structure, effective: Structure): EffectiveVerdict {
  for (const section of SECTIONS) {
    const lost = missing(offered.components[section], effective.components[section]);
    if (lost !== undefined)
      return { kind: 'contradicted', why: `${section.slice(0, -1)} ${lost} is not in the effective config` };
  }
  for (const [id, pipeline] of Object.entries(offered.pipelines)) {
    if (UNCERTAIN.test(id)) continue;
    const found = Object.hasOwn(effective.pipelines, id) ? effective.pipelines[id] : undefined;
    const why = pipelineContradiction(id, pipeline, found);
    if (why !== undefined) return { kind: 'contradicted', why };
  }
  const lost = missing(offered.serviceExtensions, effective.serviceExtensions);
  if (lost !== undefined)
    return { kind: 'contradicted', why: `extension ${lost} is not enabled in the effective config` };
  const uncertain = idsOf(offered).find((id) => UNCERTAIN.test(id));
  if (uncertain !== undefined)
    return { kind: 'inconclusive', why: `${uncertain} is expanded or redacted by the agent` };
  if (Object.keys(offered.pipelines).length === 0)
    return { kind: 'inconclusive', why: 'the revision itself names no pipelines to compare' };
  return { kind: 'confirmed' };
}
