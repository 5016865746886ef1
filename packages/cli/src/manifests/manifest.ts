/** The files that `apply` and `diff` take: configurations and groups, one or more documents in a file. */
import type { Configuration } from '@flaghoist/api';
import { LineCounter, parseAllDocuments } from 'yaml';
import { CliError } from '../exit-code.ts';
import { complaint, Fields, type Source } from './fields.ts';

const API_VERSION = 'flaghoist/v1';
const LATER_KINDS: readonly string[] = ['Strategy', 'Webhook'];
const CONTENT_TYPE = 'text/yaml';

type Files = Readonly<Record<string, { readonly body: string; readonly contentType: string }>>;

export interface ConfigurationManifest {
  readonly kind: 'Configuration';
  readonly name: string;
  readonly description: string;
  readonly files: Files;
}

export interface GroupManifest {
  readonly kind: 'Group';
  readonly name: string;
  readonly selector: string;
  readonly priority: number | undefined;
  readonly configuration: string;
  readonly strategy: string | undefined;
}

export type Manifest = ConfigurationManifest | GroupManifest;

/** Reads a file that a manifest names, relative to the manifest. */
export type ReadBeside = (path: string) => Promise<string>;

async function readFiles(spec: Fields, readBeside: ReadBeside): Promise<Files> {
  const all = spec.fields('files');
  const files: Record<string, { body: string; contentType: string }> = {};
  for (const name of all.keys()) {
    const one = all.fields(name);
    const path = one.text('path');
    const given = one.text('body');
    const contentType = one.text('contentType') ?? CONTENT_TYPE;
    one.end();
    if ((path === undefined) === (given === undefined)) throw all.wrong(name, 'needs either path or body');
    try {
      files[name] = { body: given ?? (await readBeside(path ?? '')), contentType };
    } catch (cause) {
      throw all.wrong(
        name,
        `names a file that cannot be read: ${cause instanceof Error ? cause.message : cause}`,
      );
    }
  }
  return files;
}

async function readDocument(source: Source, contents: unknown, readBeside: ReadBeside): Promise<Manifest> {
  const top = new Fields(source, contents, '');
  const apiVersion = top.neededText('apiVersion');
  if (apiVersion !== API_VERSION) throw top.wrong('apiVersion', `must be ${API_VERSION}`);
  const kind = top.neededText('kind');
  if (LATER_KINDS.includes(kind)) {
    throw top.wrong('kind', `${kind} does not work yet in this version: take the document out`);
  }
  if (kind !== 'Configuration' && kind !== 'Group') {
    throw top.wrong('kind', `${JSON.stringify(kind)} is not known; there is: Configuration, Group`);
  }
  const metadata = top.fields('metadata');
  const name = metadata.neededText('name');
  const spec = top.fields('spec');
  top.end();
  if (kind === 'Configuration') {
    const description = metadata.text('description') ?? '';
    metadata.end();
    const files = await readFiles(spec, readBeside);
    spec.end(['layers']);
    return { kind, name, description, files };
  }
  metadata.end();
  const selector = spec.neededText('selector');
  const priority = spec.integer('priority');
  const configuration = spec.neededText('configuration');
  const strategy = spec.text('strategy');
  spec.end(['adoption']);
  return { kind, name, selector, priority, configuration, strategy };
}

/** @throws CliError with file, line and column */
export async function readManifests(file: string, text: string, readBeside: ReadBeside): Promise<Manifest[]> {
  const source = { file, lines: new LineCounter() };
  const documents = parseAllDocuments(text, { lineCounter: source.lines });
  if ('empty' in documents) return [];
  const manifests: Manifest[] = [];
  for (const document of documents) {
    const [error] = document.errors;
    if (error !== undefined) {
      const { line, col } = source.lines.linePos(error.pos[0]);
      throw new CliError(`${file}:${line}:${col}: ${error.message.split('\n')[0]}`);
    }
    if (document.contents === null) continue;
    manifests.push(await readDocument(source, document.contents, readBeside));
  }
  const seen = new Set<string>();
  for (const { kind, name } of manifests) {
    if (seen.has(`${kind}/${name}`)) throw complaint(source, null, `${kind} ${name} stands twice`);
    seen.add(`${kind}/${name}`);
  }
  return manifests;
}

/** What `apply` takes for a configuration as it is. */
export function configurationManifest(
  { name, description }: Pick<Configuration, 'name' | 'description'>,
  files: Files,
) {
  const metadata = description === '' ? { name } : { name, description };
  return { apiVersion: API_VERSION, kind: 'Configuration', metadata, spec: { files } };
}

/** What `apply` takes for a group as it is. */
export function groupManifest({
  name,
  selector,
  priority,
  configuration,
  strategy,
}: Omit<GroupManifest, 'kind'>) {
  const spec = { selector, priority, configuration, strategy };
  return { apiVersion: API_VERSION, kind: 'Group', metadata: { name }, spec };
}
