import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { CliError } from '../exit-code.ts';
import { readText } from '../read-text.ts';
import type { Session } from '../session.ts';
import type { Manifest } from './manifest.ts';

/** The manifests of `-f`, configurations before the groups that run them. @throws CliError with file, line and column */
export async function loadManifests(session: Session, path: string): Promise<Manifest[]> {
  const { readManifests } = await import('./manifest.ts');
  const inDirectory = path !== '-' && (await stat(path).catch(() => undefined))?.isDirectory() === true;
  const names = inDirectory ? (await readdir(path)).filter((name) => /\.ya?ml$/.test(name)).sort() : [];
  const manifests: Manifest[] = [];
  for (const file of inDirectory ? names.map((name) => join(path, name)) : [path]) {
    const text = await readText(session, file);
    // In a directory, YAML files that are no manifests lie beside them: those that a manifest names by `path`.
    if (inDirectory && !/^(apiVersion|kind)\s*:/m.test(text)) continue;
    const home = file === '-' ? '.' : dirname(file);
    const readBeside = (beside: string): Promise<string> => readFile(resolve(home, beside), 'utf8');
    manifests.push(...(await readManifests(file === '-' ? 'stdin' : file, text, readBeside)));
  }
  if (manifests.length === 0) throw new CliError(`${path}: there is no manifest in it`);
  const named = manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
  const twice = named.find((name, index) => named.indexOf(name) !== index);
  if (twice !== undefined) throw new CliError(`${path}: ${twice} stands twice`);
  return manifests.sort((a, b) => (a.kind < b.kind ? -1 : a.kind > b.kind ? 1 : 0));
}
