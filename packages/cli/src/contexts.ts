/**
 * The contexts file, `$XDG_CONFIG_HOME/flaghoist/contexts.yaml`: servers by name, so that they need not be typed.
 *
 *     current: production
 *     contexts:
 *       production: { server: "https://flaghoist.example:4321", token: "…" }
 */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CliError } from './exit-code.ts';

interface Context {
  readonly server: string;
  readonly token: string | undefined;
}

function contextsFile(env: Readonly<Record<string, string | undefined>>): string {
  const home = env['XDG_CONFIG_HOME'] || join(env['HOME'] ?? homedir(), '.config');
  return join(home, 'flaghoist', 'contexts.yaml');
}

/** The context of this name, or the current one; undefined when there is no file. @throws CliError */
export async function contextNamed(
  name: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Context | undefined> {
  const file = contextsFile(env);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    if (name === undefined) return undefined;
    throw new CliError(`context ${name}: there is no ${file}`, undefined, { cause });
  }
  const { parse } = await import('yaml');
  const { current, contexts } = (parse(text) ?? {}) as {
    readonly current?: unknown;
    readonly contexts?: Readonly<Record<string, { readonly server?: unknown; readonly token?: unknown }>>;
  };
  const wanted = name ?? current;
  if (wanted === undefined) return undefined;
  const found = contexts?.[String(wanted)];
  if (typeof found?.server !== 'string') {
    const known = Object.keys(contexts ?? {}).join(', ') || 'none';
    throw new CliError(`context ${String(wanted)} has no server in ${file}; there is: ${known}`);
  }
  return { server: found.server, token: typeof found.token === 'string' ? found.token : undefined };
}
