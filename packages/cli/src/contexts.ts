/**
 * The contexts file, `$XDG_CONFIG_HOME/flaghoist/contexts.yaml`: servers by name, so that they need not be typed.
 *
 *     current: production
 *     contexts:
 *       production: { server: "https://flaghoist.example:4321", token: "…" }
 */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { CliError } from './exit-code.ts';

interface Context {
  readonly server: string;
  readonly token?: string;
}

/** The context of this name, or the current one; undefined when there is no file. @throws CliError */
export function contextNamed(
  name: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Context | undefined {
  const home = env['XDG_CONFIG_HOME'] || join(env['HOME'] ?? homedir(), '.config');
  const file = join(home, 'flaghoist', 'contexts.yaml');
  const { current, contexts = {} } = (parse(existsSync(file) ? readFileSync(file, 'utf8') : '') ?? {}) as {
    readonly current?: string;
    readonly contexts?: Readonly<Record<string, Context>>;
  };
  const wanted = name ?? current;
  if (wanted === undefined) return undefined;
  const found = contexts[wanted];
  if (typeof found?.server === 'string') return found;
  const known = Object.keys(contexts).join(', ') || 'none';
  throw new CliError(`context ${wanted} has no server in ${file}; there is: ${known}`);
}
