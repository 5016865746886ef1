import { z } from 'zod';
import type { HealthParts } from './content.ts';
import { isMap, KINDS, TYPES, typeOf } from './distribution.ts';

const section = z.record(z.string(), z.unknown()).catch({});
const ids = z.array(z.coerce.string()).catch([]);
const lenient = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.preprocess((value) => (isMap(value) ? value : {}), z.object(shape));

/** Those parts of a configuration that are looked at; what is missing or has another shape is empty. */
export const outline = lenient({
  receivers: section,
  processors: section,
  exporters: section,
  extensions: section,
  connectors: section,
  service: lenient({
    extensions: ids,
    pipelines: z.record(z.string(), lenient({ receivers: ids, processors: ids, exporters: ids })).catch({}),
  }),
});
type Outline = z.output<typeof outline>;

/** Ids and types of the components. */
export function componentNames(config: Outline): ReadonlySet<string> {
  const ids = KINDS.flatMap((kind) => Object.keys(config[kind]));
  return new Set(ids.flatMap((id) => [id, typeOf(id)]));
}

/** The kinds of components in a pipeline. */
const ROLES = ['receivers', 'processors', 'exporters'] as const;

/** The first error that the collector would find, in its words; what fails only at run time is not looked at. */
export function fault(config: Outline): string | undefined {
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
    for (const kind of ROLES) {
      const role = kind.slice(0, -1);
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

export function healthParts({ connectors, service }: Outline): HealthParts {
  const pipelines = Object.entries(service.pipelines).map(([id, used]) => {
    const components = ROLES.flatMap((kind) =>
      used[kind].map((name) => `${name in connectors ? 'connector' : kind.slice(0, -1)}:${name}`),
    );
    return [`pipeline:${id}`, components] as const;
  });
  return { extensions: service.extensions.map((id) => `extension:${id}`), ...Object.fromEntries(pipelines) };
}
