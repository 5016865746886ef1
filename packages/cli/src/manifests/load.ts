import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { readText } from '../commands/configuration.ts';
import { CliError } from '../exit-code.ts';
import type { Session } from '../session.ts';
import { type Manifest, readManifests } from './manifest.ts';

/** The files that `-f` names: one, all YAML files of a directory in the order of their names, or `-`. */
async function filesOf(path: string): Promise<string[]> {
  if (path === '-') return [path];
  const found = await stat(path).catch((cause: unknown) => {
    throw new CliError(`cannot read ${path}: there is no such file or directory`, undefined, { cause });
  });
  if (!found.isDirectory()) return [path];
  const names = (await readdir(path)).filter((name) => /\.ya?ml$/.test(name)).sort();
  return names.map((name) => join(path, name));
}

/** In a directory, YAML files that are no manifests lie beside them: those that a manifest names by `path`. */
function isManifest(text: string): boolean {
  return /^(apiVersion|kind)\s*:/m.test(text);
}

/** The manifests of `-f`, configurations before the groups that run them. @throws CliError with file, line and column */
export async function loadManifests(session: Session, path: string): Promise<Manifest[]> {
  const files = await filesOf(path);
  const inDirectory = files.length > 0 && files[0] !== path;
  const manifests: Manifest[] = [];
  for (const file of files) {
    const text = await readText(session, file);
    if (inDirectory && !isManifest(text)) continue;
    const home = file === '-' ? '.' : dirname(file);
    const readBeside = (beside: string): Promise<string> => readFile(resolve(home, beside), 'utf8');
    manifests.push(...(await readManifests(file === '-' ? 'stdin' : file, text, readBeside)));
  }
  if (manifests.length === 0) throw new CliError(`${path}: there is no manifest in it`);
  const order = { Configuration: 0, Group: 1 };
  return manifests.sort((a, b) => order[a.kind] - order[b.kind]);
}
