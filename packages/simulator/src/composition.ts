import { stringify } from 'yaml';
import {
  type Config,
  KINDS,
  merge,
  type Outline,
  outline,
  printed,
  supervisorBlocks,
  TYPES,
  typeOf,
} from './collector-config.ts';
import { encodeEffective, type HealthParts, sharedAttributes } from './content.ts';
import { parseGoYaml } from './go-yaml.ts';
import { agentName } from './plan.ts';
import type { ScenarioGroup } from './scenario.ts';
import { type Hole, hole, Template } from './template.ts';

/** What the Supervisor and the collector make of a remote configuration; shared by all agents that got it. */
export interface Composition {
  /** Of the remote configuration, in lowercase hex; empty when the server sent none, undefined for the local one alone. */
  readonly hash: string | undefined;
  /** Why there is none, in the words of the Supervisor's parser; everything below is then that of an empty text. */
  readonly error: string | undefined;
  /** The merged text, with holes: equal texts are the same configuration to the Supervisor. */
  readonly text: string;
  /** That text as effective config: what the Supervisor reports until the collector has reported itself. */
  readonly own: Template;
  /** What the collector reports once it runs: defaults filled in, secrets hidden. */
  readonly effective: Template;
  /** The remote configuration had no entry at all: the collector is stopped. */
  readonly empty: boolean;
  /** Why a collector does not start with it, in its own words. */
  readonly fault: string | undefined;
  /** Ids and types of the components. */
  readonly components: ReadonlySet<string>;
  readonly parts: HealthParts;
}

/** The bodies of a remote configuration by entry name. */
export type Bodies = Readonly<Record<string, Uint8Array>>;

/** Merge bodies above the local configuration of the group as the Supervisor does. */
export function compose(group: ScenarioGroup, hash?: string, bodies: Bodies = {}): Composition {
  const { value, error } = mergedBodies(group, bodies);
  const complete = mergeLayer(blocks(group), value);
  const shape = outline.parse(complete);
  const text = stringify(complete, PRINT);
  return {
    hash,
    error,
    text,
    own: new Template(encodeEffective(text)),
    effective: new Template(encodeEffective(effectiveText(complete, group.effectiveConfigSize))),
    empty: hash !== undefined && Object.keys(bodies).length === 0,
    fault: fault(shape),
    components: new Set(KINDS.flatMap((kind) => Object.keys(shape[kind])).flatMap((id) => [id, typeOf(id)])),
    parts: healthParts(shape),
  };
}

const PRINT = {
  indent: 4,
  lineWidth: 0,
  sortMapEntries: true,
  singleQuote: true,
  aliasDuplicateObjects: false,
} as const;

/** Entries merge in the order of their names, but the one without name comes last. */
function mergedBodies({ config }: ScenarioGroup, { '': last, ...bodies }: Bodies) {
  const named = Object.keys(bodies)
    .sort()
    .map((name) => bodies[name]);
  let merged: Config = {};
  for (const body of [Buffer.from(config), ...named, last]) {
    const { value, error } = parseGoYaml(body ?? Buffer.of());
    if (error !== undefined) return { value: {}, error };
    merged = mergeLayer(merged, value);
  }
  return { value: merged, error: undefined };
}

/** Maps merge, but lists of extensions are joined. */
function mergeLayer(below: Config, above: Config): Config {
  const merged = merge(below, above);
  const extensions = [below, above].flatMap((layer) => outline.parse(layer).service.extensions);
  if (extensions.length === 0) return merged;
  return merge(merged, { service: { extensions: [...new Set(extensions)] } });
}

function blocks(group: ScenarioGroup): Config {
  const bytes: Readonly<Record<Hole, number>> = { uid: 36, port: 5, ppid: 5, host: agentName(group, 0).length };
  const own = supervisorBlocks((name) => hole(name as Hole, bytes[name as Hole]));
  return merge(own, { service: { telemetry: { resource: sharedAttributes(group) } } });
}

/** Padded with attributes of the resource: an addition that contradicts nothing. */
function effectiveText(complete: Config, leastBytes: number): string {
  const text = stringify(printed(complete), PRINT);
  const missing = leastBytes - Buffer.byteLength(text);
  if (missing <= 0) return text;
  const line = 93;
  const padding = Array.from({ length: Math.ceil(missing / line) }, (_, i) => {
    return [`padding.${String(i).padStart(6, '0')}`, 'x'.repeat(64)];
  });
  const padded = merge(complete, { service: { telemetry: { resource: Object.fromEntries(padding) } } });
  return stringify(printed(padded), PRINT);
}

/** The kinds of components in a pipeline, with their singular. */
const ROLES = [
  ['receivers', 'receiver'],
  ['processors', 'processor'],
  ['exporters', 'exporter'],
] as const;

/** The first error that the collector would find, in its words; what fails only at run time is not looked at. */
function fault(config: Outline): string | undefined {
  for (const kind of KINDS) {
    const id = Object.keys(config[kind]).find((candidate) => !TYPES[kind].includes(typeOf(candidate)));
    if (id === undefined) continue;
    const decoding = 'cannot unmarshal the configuration: decoding failed due to the following error(s)';
    const unknown = `'${kind}' unknown type: "${typeOf(id)}" for id: "${id}" (valid values: [${TYPES[kind].join(' ')}])`;
    return `failed to get config: ${decoding}:\n\n${unknown}`;
  }
  const { extensions, pipelines } = config.service;
  const undeclared = extensions.find((id) => !(id in config.extensions));
  if (undeclared !== undefined)
    return `service::extensions: references extension "${undeclared}" which is not configured`;
  for (const [id, used] of Object.entries(pipelines)) {
    for (const [kind, role] of ROLES) {
      if (used[kind].length === 0 && kind !== 'processors')
        return `service::pipelines::${id}: must have at least one ${role}`;
      const declared = kind === 'processors' ? config[kind] : { ...config[kind], ...config.connectors };
      const missing = used[kind].find((name) => !(name in declared));
      if (missing !== undefined)
        return `service::pipelines::${id}: references ${role} "${missing}" which is not configured`;
    }
  }
  return undefined;
}

function healthParts({ connectors, service }: Outline): HealthParts {
  const pipelines = Object.entries(service.pipelines).map(([id, used]) => {
    const components = ROLES.flatMap(([kind, role]) =>
      used[kind].map((name) => `${name in connectors ? 'connector' : role}:${name}`),
    );
    return [`pipeline:${id}`, components] as const;
  });
  return { extensions: service.extensions.map((id) => `extension:${id}`), ...Object.fromEntries(pipelines) };
}
