import { isDeepStrictEqual } from 'node:util';
import type { AgentRemoteConfig } from '@flaghoist/opamp';
import { stringify } from 'yaml';
import { encodeEffective, sharedAttributes } from './content.ts';
import { type Config, merge, printed, supervisorBlocks } from './distribution.ts';
import { parseGoYaml } from './go-yaml.ts';
import { limits } from './limits.ts';
import { componentNames, fault, healthParts, outline } from './outline.ts';
import { agentName } from './plan.ts';
import type { ScenarioGroup } from './scenario.ts';
import { hole, template } from './template.ts';

/** Composes for all agents of one group: each configuration once, however many agents get it. */
export class Composer {
  /** Of the group's own configuration alone, which runs before the first offer. */
  readonly local: Composition;
  private readonly group: ScenarioGroup;
  private readonly known = new Map<string, { readonly config: AgentRemoteConfig; readonly composition: Composition }>();

  constructor(group: ScenarioGroup) {
    this.group = group;
    this.local = compose(group);
  }

  /** A server that sends different texts under one hash is taken at its texts. */
  compose(config: AgentRemoteConfig): Composition {
    const hash = Buffer.from(config.configHash).toString('hex');
    const before = this.known.get(hash);
    if (before !== undefined && isDeepStrictEqual(before.config, config)) return before.composition;
    const entries = Object.entries(config.config?.configMap ?? {}).map(([name, { body }]) => [name, body]);
    const composition = compose(this.group, hash, Object.fromEntries(entries));
    if (this.known.size >= limits.compositions) this.known.clear();
    this.known.set(hash, { config, composition });
    return composition;
  }
}

/** The bodies of a remote configuration by entry name. */
type Bodies = Readonly<Record<string, Uint8Array>>;

/**
 * What the Supervisor and the collector make of a remote configuration, whose bodies merge above the local one of the group;
 * shared by all agents that got it.
 */
function compose(group: ScenarioGroup, hash?: string, bodies: Bodies = {}) {
  const { value, error } = mergedBodies(group, bodies);
  const complete = mergeLayer(blocks(group), value);
  const shape = outline.parse(complete);
  const text = print(complete);
  return {
    /** Of the remote configuration, in lowercase hex; empty when the server sent none, undefined for the local one alone. */
    hash,
    /** Why there is none, in the words of the Supervisor's parser; everything below is then that of an empty text. */
    error,
    /** The merged text, with holes: equal texts are the same configuration to the Supervisor. */
    text,
    /** That text as effective config: what the Supervisor reports until the collector has reported itself. */
    own: template(encodeEffective(text)),
    /** What the collector reports once it runs: defaults filled in, secrets hidden. */
    effective: template(encodeEffective(effectiveText(complete, group.effectiveConfigSize))),
    /** The remote configuration had no entry at all: the collector is stopped. */
    empty: hash !== undefined && Object.keys(bodies).length === 0,
    /** Why a collector does not start with it, in its own words. */
    fault: fault(shape),
    /** Ids and types of the components. */
    components: componentNames(shape),
    parts: healthParts(shape),
  };
}

export type Composition = Readonly<ReturnType<typeof compose>>;

const print = (config: unknown) =>
  stringify(config, { indent: 4, lineWidth: 0, sortMapEntries: true, singleQuote: true, aliasDuplicateObjects: false });

/** Entries merge in the order of their names, but the one without name comes last. */
function mergedBodies({ config }: ScenarioGroup, { '': last, ...bodies }: Bodies) {
  const named = Array.from(Object.keys(bodies).sort(), (name) => bodies[name]);
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
  const { length } = agentName(group, 0);
  const words = { uid: hole('uid', 36), port: hole('port', 5), ppid: hole('ppid', 5), host: hole('host', length) };
  return merge(supervisorBlocks(words), { service: { telemetry: { resource: sharedAttributes(group) } } });
}

/** Padded with an attribute of the resource: an addition that contradicts nothing. */
function effectiveText(complete: Config, leastBytes: number): string {
  const text = (resource: Config) => print(printed(merge(complete, { service: { telemetry: { resource } } })));
  const bare = text({});
  const missing = leastBytes - Buffer.byteLength(bare);
  return missing <= 0 ? bare : text({ padding: 'x'.repeat(missing) });
}
