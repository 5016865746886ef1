import { readdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type Document, isMap, isNode, isScalar, LineCounter, parseAllDocuments, type Scalar, visit } from 'yaml';
import type { z } from 'zod';
import { CliError } from '../exit-code.ts';
import type { Session } from '../session.ts';
import { calledFile, checkTexts, readText } from '../texts.ts';
import type { Manifest } from './schema.ts';

/**
 * The manifests of `-f`, what others name before them. @throws CliError with file, line and column @throws ApiError for texts that are no configuration
 */
export async function loadManifests(session: Session, path: string): Promise<Manifest[]> {
  const inside = path === '-' ? undefined : await readdir(path).catch(() => undefined);
  const yaml = inside?.filter((name) => /\.ya?ml$/.test(name)).sort();
  const manifests: Manifest[] = [];
  for (const file of yaml?.map((name) => join(path, name)) ?? [path]) {
    const text = await readText(session, file);
    // In a directory, YAML files that are no manifests lie beside them: those that a manifest names by `path`.
    if (inside === undefined || /^(apiVersion|kind)\s*:/m.test(text))
      manifests.push(...(await readManifests(file, text)));
  }
  if (manifests.length === 0) throw new CliError(`${path}: there is no manifest in it`);
  const named = manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
  const twice = named.find((name, index) => named.indexOf(name) !== index);
  if (twice !== undefined) throw new CliError(`${path}: ${twice} stands twice`);
  return manifests.sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
}

/** What others name comes first. */
const ORDER: readonly Manifest['kind'][] = ['Strategy', 'Configuration', 'Group', 'Webhook'];

type Issue = Pick<z.core.$ZodIssue, 'path'> & { readonly keys?: readonly string[] };

/** Where something is: the key that a mapping has too many, else the value, else the mapping where it is missing. */
function offsetOf(document: Document, { path, keys = [] }: Issue): number {
  const node = path.length === 0 ? document.contents : document.getIn(path, true);
  if (!isNode(node)) return offsetOf(document, { path: path.slice(0, -1) });
  const inside = isMap<Scalar>(node) ? node.items.map(({ key }) => key) : [];
  return (inside.find(({ value }) => value === keys[0]) ?? node).range?.[0] ?? 0;
}

const fieldName = (path: Issue['path']): string => path.map((key) => key || '""').join('.');

/** @throws CliError @throws ApiError */
async function readManifests(file: string, text: string): Promise<Manifest[]> {
  const name = calledFile(file);
  const home = dirname(file);
  // With the schema library, which no other command waits for.
  const schema = (await import('./schema.ts')).manifestIn(home);
  const lines = new LineCounter();
  const wrong = (offset: number, message: string): CliError => {
    const { line, col } = lines.linePos(offset);
    return new CliError(`${name}:${line || 1}:${col || 1}: ${message}`);
  };
  const read = async (document: Document): Promise<Manifest> => {
    const [broken] = document.errors;
    if (broken !== undefined) throw wrong(broken.pos[0], broken.message.split('\n')[0] ?? '');
    visit(document, {
      // The schema would drop it without a word.
      Scalar: (at, { value, range }) => {
        if (at !== 'key' || value !== '__proto__') return;
        throw wrong(range?.[0] ?? 0, 'a key cannot be called "__proto__"; give it another name');
      },
    });
    const { data, error } = await schema.safeParseAsync(document.toJS());
    if (data === undefined) {
      const issue = error.issues[0] ?? { path: [], message: 'is no manifest' };
      throw wrong(offsetOf(document, issue), `${fieldName(issue.path) || 'the document'}: ${issue.message}`);
    }
    if (data.kind !== 'Configuration') return data;
    checkTexts(`configuration/${data.metadata.name}`, data.spec.files, (key) => {
      const path = document.getIn(['spec', 'files', key, 'path']);
      return typeof path === 'string' ? resolve(home, path) : `${name} (${fieldName(['spec', 'files', key])})`;
    });
    return data;
  };
  const documents = [...parseAllDocuments(text, { lineCounter: lines })];
  // An empty one is nothing, such as behind a last `---`.
  const isEmpty = ({ contents }: Document) => contents === null || (isScalar(contents) && contents.value === null);
  return Promise.all(documents.filter((document) => !isEmpty(document)).map(read));
}
