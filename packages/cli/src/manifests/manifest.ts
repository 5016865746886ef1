/** The files that `apply` and `diff` take: configurations and groups, one or more documents in a file. */
import type { Configuration, Group } from '@flaghoist/api';
import { type Document, isMap, isNode, isScalar, LineCounter, type Node, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { CliError } from '../exit-code.ts';

const later = z.undefined('does not work yet in this version: leave it out').optional();
const apiVersion = z.literal('flaghoist/v1');
const body = z.string();
const contentType = z.string().default('text/yaml');
/** A text that stands here, or the file that has it, relative to the manifest. */
const file = z.union(
  [z.strictObject({ body, contentType }), z.strictObject({ path: z.string(), contentType })],
  {
    error: 'needs either path or body',
  },
);

const configuration = z.strictObject({
  apiVersion,
  kind: z.literal('Configuration'),
  metadata: z.strictObject({ name: z.string(), description: z.string().default('') }),
  spec: z.strictObject({ layers: later, files: z.record(z.string(), file) }),
});

const group = z.strictObject({
  apiVersion,
  kind: z.literal('Group'),
  metadata: z.strictObject({ name: z.string() }),
  spec: z.strictObject({
    selector: z.string(),
    priority: z.int().optional(),
    configuration: z.string(),
    strategy: z.string().optional(),
    adoption: later,
  }),
});

const manifest = z.discriminatedUnion('kind', [configuration, group], {
  error: 'must be Configuration or Group; other kinds do not work yet in this version',
});

type Files = Readonly<Record<string, { readonly body: string; readonly contentType: string }>>;

export interface ConfigurationManifest extends Omit<z.output<typeof configuration>, 'spec'> {
  readonly spec: { readonly files: Files };
}
export type GroupManifest = z.output<typeof group>;
export type Manifest = ConfigurationManifest | GroupManifest;

/** Where in the file something is: the key where a mapping has one too many, else the value, else what it is missing in. */
function nodeAt(
  document: Document,
  { path, code, keys }: { path: PropertyKey[]; code: string; keys?: string[] },
) {
  for (let at = [...path]; ; at = at.slice(0, -1)) {
    const node = at.length === 0 ? document.contents : document.getIn(at, true);
    if (!isNode(node)) continue;
    const extra =
      isMap(node) &&
      code === 'unrecognized_keys' &&
      node.items.map(({ key }) => key).find((key) => isScalar(key) && key.value === keys?.[0]);
    return (extra || node) as Node;
  }
}

/** @throws CliError with file, line and column */
export async function readManifests(
  name: string,
  text: string,
  readBeside: (path: string) => Promise<string>,
): Promise<Manifest[]> {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines });
  const wrong = (offset: number, message: string, cause?: unknown): CliError => {
    const { line, col } = lines.linePos(offset);
    return new CliError(`${name}:${line || 1}:${col || 1}: ${message}`, undefined, { cause });
  };
  const read = async (document: Document): Promise<Manifest> => {
    const [broken] = document.errors;
    if (broken !== undefined) throw wrong(broken.pos[0], broken.message.split('\n')[0] ?? '');
    const { data, error } = manifest.safeParse(document.toJS());
    const [issue] = error?.issues ?? [];
    if (issue !== undefined) {
      const path = issue.path.map((key) => key || '""').join('.');
      throw wrong(
        nodeAt(document, issue as never)?.range?.[0] ?? 0,
        `${path || 'the document'}: ${issue.message}`,
      );
    }
    if (data?.kind !== 'Configuration') return data as GroupManifest;
    const files: Record<string, { body: string; contentType: string }> = {};
    for (const [key, { contentType, ...source }] of Object.entries(data.spec.files)) {
      const text =
        'body' in source
          ? source.body
          : await readBeside(source.path).catch((cause: Error) => {
              const node = document.getIn(['spec', 'files', key], true) as Node;
              throw wrong(
                node.range?.[0] ?? 0,
                `spec.files.${key || '""'} names a file that cannot be read: ${cause.message}`,
                cause,
              );
            });
      files[key] = { body: text, contentType };
    }
    return { ...data, spec: { files } };
  };
  const present = [...documents].filter(({ contents }) => contents !== null);
  return Promise.all(present.map(read));
}

/** What `apply` takes for a configuration as it is. */
export function configurationManifest(
  { name, description }: Pick<Configuration, 'name' | 'description'>,
  files: Files,
): ConfigurationManifest {
  return {
    apiVersion: 'flaghoist/v1',
    kind: 'Configuration',
    metadata: { name, description },
    spec: { files },
  };
}

/** What `apply` takes for a group as it is. */
export function groupManifest({ name, selector, priority, configuration, strategy }: Group): GroupManifest {
  const spec = { selector, priority, configuration, strategy };
  return { apiVersion: 'flaghoist/v1', kind: 'Group', metadata: { name }, spec };
}
