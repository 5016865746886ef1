/** The files that `apply` and `diff` take: configurations and groups, one or more documents in a file. */
import type { Configuration } from '@flaghoist/api';
import { type Document, isMap, isNode, LineCounter, parseAllDocuments, type Scalar } from 'yaml';
import { z } from 'zod';
import { CliError } from '../exit-code.ts';

const later = z.undefined('does not work yet in this version: leave it out').optional();
const API_VERSION = 'flaghoist/v1';
const apiVersion = z.literal(API_VERSION);
const body = z.string();
const contentType = z.string().default('text/yaml');
const given = z.strictObject({ body, contentType });
const beside = z.strictObject({ path: z.string(), contentType });
/** A text that stands here, or the file that has it, relative to the manifest. */
const file = z.union([given, beside], { error: 'needs either path or body' });

const configuration = z.strictObject({
  apiVersion,
  kind: z.literal('Configuration'),
  metadata: z.strictObject({ name: z.string(), description: z.string().default('') }),
  spec: z.strictObject({ layers: later, files: z.record(z.string(), file) }),
});

const groupSpec = z.strictObject({
  selector: z.string(),
  priority: z.int().optional(),
  configuration: z.string(),
  strategy: z.string().optional(),
  adoption: later,
});
const metadata = z.strictObject({ name: z.string() });
const group = z.strictObject({ apiVersion, kind: z.literal('Group'), metadata, spec: groupSpec });

const manifest = z.discriminatedUnion('kind', [configuration, group], {
  error: 'must be Configuration or Group; other kinds do not work yet in this version',
});

type Files = Readonly<Record<string, { readonly body: string; readonly contentType: string }>>;

export interface ConfigurationManifest extends Omit<z.output<typeof configuration>, 'spec'> {
  readonly spec: { readonly files: Files };
}
export type GroupManifest = z.output<typeof group>;
export type Manifest = ConfigurationManifest | GroupManifest;

type Issue = Pick<z.core.$ZodIssue, 'path'> & { readonly keys?: readonly string[] };

/** Where something is: the key that a mapping has too many, else the value, else the mapping where it is missing. */
function offsetOf(document: Document, { path, keys = [] }: Issue): number {
  const node = path.length === 0 ? document.contents : document.getIn(path, true);
  if (!isNode(node)) return offsetOf(document, { path: path.slice(0, -1) });
  const inside = isMap<Scalar>(node) ? node.items.map(({ key }) => key) : [];
  return (inside.find(({ value }) => value === keys[0]) ?? node).range?.[0] ?? 0;
}

/** @throws CliError with file, line and column */
export async function readManifests(
  name: string,
  text: string,
  readBeside: (path: string) => Promise<string>,
): Promise<Manifest[]> {
  const lines = new LineCounter();
  const wrong = (offset: number, message: string, cause?: unknown): CliError => {
    const { line, col } = lines.linePos(offset);
    return new CliError(`${name}:${line || 1}:${col || 1}: ${message}`, undefined, { cause });
  };
  const read = async (document: Document): Promise<Manifest> => {
    const [broken] = document.errors;
    if (broken !== undefined) throw wrong(broken.pos[0], broken.message.split('\n')[0] ?? '');
    const { data, error } = manifest.safeParse(document.toJS());
    if (data === undefined) {
      const issue = error.issues[0] ?? { path: [], message: 'is no manifest' };
      const path = issue.path.map((key) => key || '""').join('.');
      throw wrong(offsetOf(document, issue), `${path || 'the document'}: ${issue.message}`);
    }
    if (data.kind === 'Group') return data;
    const files: Record<string, { body: string; contentType: string }> = {};
    for (const [key, source] of Object.entries(data.spec.files)) {
      const unreadable = (cause: Error): never => {
        const message = `spec.files.${key || '""'} names a file that cannot be read: ${cause.message}`;
        throw wrong(offsetOf(document, { path: ['spec', 'files', key] }), message, cause);
      };
      const body = 'body' in source ? source.body : await readBeside(source.path).catch(unreadable);
      files[key] = { body, contentType: source.contentType };
    }
    return { ...data, spec: { files } };
  };
  const documents = [...parseAllDocuments(text, { lineCounter: lines })];
  return Promise.all(documents.filter(({ contents }) => contents !== null).map(read));
}

/** What `apply` takes for a configuration as it is. */
export function configurationManifest(
  { name, description }: Pick<Configuration, 'name' | 'description'>,
  files: Files,
): ConfigurationManifest {
  const metadata = { name, description };
  // In one order, so that texts which are the same look the same.
  const sorted = Object.entries(files)
    .map(([file, { body, contentType }]) => [file, { body, contentType }] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const spec = { files: Object.fromEntries(sorted) };
  return { apiVersion: API_VERSION, kind: 'Configuration', metadata, spec };
}

/** What `apply` takes for a group as it is. */
export function groupManifest(
  group: Omit<z.output<typeof groupSpec>, 'adoption'> & { readonly name: string },
): GroupManifest {
  const { name, selector, priority, configuration, strategy } = group;
  const spec = { selector, priority, configuration, strategy };
  return { apiVersion: API_VERSION, kind: 'Group', metadata: { name }, spec };
}
