import { stringify } from 'yaml';
import { type Build, KINDS, type Kind } from './build.ts';
import { merge, printed, TELEMETRY } from './collector-defaults.ts';
import { isMap, parseGoYaml } from './go-yaml.ts';
import { hole, Template } from './template.ts';

type Config = Record<string, unknown>;

/** One merged configuration, shared by all agents that run it: equal merged texts are one object. */
export interface Composition {
  /** What the Supervisor gives to the collector, and reports until the collector has reported itself. */
  readonly own: Template;
  /** What the collector reports once it runs: defaults filled in, secrets hidden. */
  readonly effective: Template;
  /** The remote configuration had no entry at all: the collector is stopped. */
  readonly empty: boolean;
  /** Why a collector of this build does not start with it, in its own words. */
  readonly fault: string | undefined;
  /** Ids and types of the components. */
  readonly components: ReadonlySet<string>;
  /** By part of the health tree (`extensions`, `pipeline:traces`): the components below it. */
  readonly parts: ReadonlyMap<string, readonly string[]>;
}

/** What composing depends on besides the remote configuration. */
export interface Site {
  readonly build: Build;
  /** Attributes of the agent description that all agents share. */
  readonly attributes: Readonly<Record<string, string>>;
  /** The local configuration, below the remote one. */
  readonly local: string;
  /** Pad the effective config to at least this many bytes. */
  readonly effectiveBytes: number;
}

const PRINT = {
  indent: 4,
  lineWidth: 0,
  sortMapEntries: true,
  singleQuote: true,
  aliasDuplicateObjects: false,
} as const;

/** Merge the bodies of a remote configuration (`undefined`: none was received) as the Supervisor does. */
export function compose(
  site: Site,
  bodies: ReadonlyMap<string, Uint8Array> | undefined,
): Composition | { readonly error: string } {
  const names = [...(bodies?.keys() ?? [])].sort((one, other) => rank(one).localeCompare(rank(other), 'en'));
  let merged: Config = {};
  for (const body of [Buffer.from(site.local), ...names.map((name) => bodies?.get(name) ?? Buffer.of())]) {
    const parsed = parseGoYaml(body);
    if ('error' in parsed) return parsed;
    merged = mergeLayer(merged, parsed.value);
  }
  const complete = mergeLayer(supervisorBlocks(site), merged);
  return {
    own: new Template(stringify(complete, PRINT)),
    effective: new Template(effectiveText(site, complete)),
    empty: bodies?.size === 0,
    fault: fault(site.build, complete),
    components: new Set(
      KINDS.flatMap((kind) => Object.keys(section(complete, kind))).flatMap((id) => [id, typeOf(id)]),
    ),
    parts: healthParts(complete),
  };
}

/** Entries merge in the order of their names, but the one without name comes last. */
function rank(name: string): string {
  return name === '' ? '\uFFFF' : name;
}

/** Maps merge, but lists of extensions are joined. */
function mergeLayer(below: Config, above: Config): Config {
  const merged = merge(below, above);
  const extensions = [below, above].flatMap((layer) => names(service(layer)['extensions']));
  if (extensions.length > 0) merged['service'] = { ...service(merged), extensions: [...new Set(extensions)] };
  return merged;
}

/** The blocks that the Supervisor adds below every configuration. */
function supervisorBlocks(site: Site): Config {
  return {
    extensions: {
      opamp: {
        capabilities: { reports_available_components: true },
        instance_uid: hole('uid'),
        ppid: hole('ppid'),
        ppid_poll_interval: '5s',
        server: { ws: { endpoint: `ws://127.0.0.1:${hole('port')}/v1/opamp`, tls: { insecure: true } } },
      },
    },
    service: {
      extensions: ['opamp'],
      telemetry: {
        logs: { encoding: 'json', error_output_paths: ['stderr'], output_paths: ['stdout'] },
        resource: { ...site.attributes, 'host.name': hole('host'), 'service.instance.id': hole('uid') },
      },
    },
  };
}

function effectiveText(site: Site, complete: Config): string {
  const sections = KINDS.map((kind) => {
    const components = Object.entries(section(complete, kind));
    return [kind, Object.fromEntries(components.map(([id, config]) => [id, printed(kind, id, config)]))] as const;
  });
  const filled: Config = { ...complete, ...Object.fromEntries(sections) };
  filled['extensions'] = merge(section(filled, 'extensions'), {
    opamp: {
      agent_description: { include_resource_attributes: false, non_identifying_attributes: {} },
      capabilities: { accepts_restart_command: false, reports_effective_config: true, reports_health: true },
    },
  });
  filled['service'] = merge({ pipelines: {}, telemetry: TELEMETRY }, service(filled));
  const text = stringify(filled, PRINT);
  const missing = site.effectiveBytes - Buffer.byteLength(text);
  if (missing <= 0) return text;
  // More attributes of the resource: an addition that contradicts nothing.
  const value = 'x'.repeat(64);
  const padding = Array.from({ length: Math.ceil(missing / 93) }, (_, i) => [
    `padding.${String(i).padStart(6, '0')}`,
    value,
  ]);
  filled['service'] = merge(service(filled), { telemetry: { resource: Object.fromEntries(padding) } });
  return stringify(filled, PRINT);
}

/** The first error that the collector would find, in its words; what fails only at run time is not looked at. */
function fault(build: Build, config: Config): string | undefined {
  for (const kind of KINDS) {
    for (const id of Object.keys(section(config, kind))) {
      if (build.types[kind].includes(typeOf(id))) continue;
      const valid = build.types[kind].join(' ');
      return (
        'failed to get config: cannot unmarshal the configuration: decoding failed due to the following error(s):\n\n' +
        `'${kind}' unknown type: "${typeOf(id)}" for id: "${id}" (valid values: [${valid}])`
      );
    }
  }
  const undeclared = names(service(config)['extensions']).find((id) => !(id in section(config, 'extensions')));
  if (undeclared !== undefined)
    return `service::extensions: references extension "${undeclared}" which is not configured`;
  for (const [id, pipeline] of pipelines(config)) {
    const problem = pipelineFault(config, pipeline);
    if (problem !== undefined) return `service::pipelines::${id}: ${problem}`;
  }
  return undefined;
}

function pipelineFault(config: Config, pipeline: Config): string | undefined {
  for (const kind of ['receivers', 'processors', 'exporters'] as const) {
    const role = kind.slice(0, -1);
    const used = names(pipeline[kind]);
    if (used.length === 0 && kind !== 'processors') return `must have at least one ${role}`;
    const declared = {
      ...section(config, kind),
      ...(kind !== 'processors' && section(config, 'connectors')),
    };
    const missing = used.find((id) => !(id in declared));
    if (missing !== undefined) return `references ${role} "${missing}" which is not configured`;
  }
  return undefined;
}

function healthParts(config: Config): Map<string, readonly string[]> {
  const connectors = section(config, 'connectors');
  const parts = new Map([['extensions', names(service(config)['extensions']).map((id) => `extension:${id}`)]]);
  for (const [id, pipeline] of pipelines(config)) {
    const components = ['receivers', 'processors', 'exporters'].flatMap((kind) => {
      return names(pipeline[kind]).map((name) => `${name in connectors ? 'connector' : kind.slice(0, -1)}:${name}`);
    });
    parts.set(`pipeline:${id}`, components);
  }
  return parts;
}

function typeOf(id: string): string {
  return id.split('/')[0] ?? id;
}

function section(config: Config, kind: Kind): Config {
  return isMap(config[kind]) ? config[kind] : {};
}

function service(config: Config): Config {
  return isMap(config['service']) ? config['service'] : {};
}

function pipelines(config: Config): readonly (readonly [string, Config])[] {
  const all = service(config)['pipelines'];
  return Object.entries(isMap(all) ? all : {}).map(([id, pipeline]) => [id, isMap(pipeline) ? pipeline : {}]);
}

function names(list: unknown): string[] {
  return Array.isArray(list) ? list.map(String) : [];
}
