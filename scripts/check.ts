// `npm run check`: everything about the sources that can be checked without running them.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

const root = dirname(import.meta.dirname);

/** Resolves to what is wrong; to nothing if all is well. */
type Check = () => Promise<string>;

const CHECKS: Readonly<Record<string, Check>> = {
  types: () => run('node_modules/typescript/bin/tsc', '--project', '.'),
  'lint and format': () =>
    run('node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '--max-diagnostics=200', '.'),
  'dependency directions': () =>
    run(
      'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs',
      '--config',
      '.dependency-cruiser.mjs',
      'packages',
    ),
  'unused code': () => run('node_modules/knip/bin/knip.js', '--no-config-hints'),
  'generated files': () => run('scripts/generate.ts', '--check'),
  lockfile: async () => lockfile(),
  'traces of this machine': async () => traces(),
};

/** Runs a program of ours or of a package under this Node. */
function run(program: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : { NO_COLOR: '1' }) };
  const child = spawn(process.execPath, [join(root, program), ...args], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code === 0 ? '' : output || `ended with ${code}`));
  });
}

/**
 * A `resolved` address would tie the lockfile to one registry, and without `integrity` a package is not pinned.
 * `npm ci` refuses a lockfile that lacks an optional package which its registry did not have when it was written.
 */
function lockfile(): string {
  interface Entry {
    link?: boolean;
    resolved?: string;
    integrity?: string;
    optionalDependencies?: Record<string, string>;
  }
  const text = readFileSync(join(root, 'package-lock.json'), 'utf8');
  const { packages }: { packages: Record<string, Entry> } = JSON.parse(text);
  const locked = new Set(Object.keys(packages).map((path) => path.split('node_modules/').at(-1)));
  const wrong = Object.entries(packages).flatMap(([path, { link, resolved, integrity, optionalDependencies }]) => {
    const missing = Object.keys(optionalDependencies ?? {}).filter((name) => !locked.has(name));
    return [
      ...(resolved?.includes('://') ? [`${path} has "resolved"`] : []),
      ...(path.includes('node_modules/') && !link && !integrity ? [`${path} has no "integrity"`] : []),
      ...missing.map((name) => `${path} needs ${name}, which is not locked`),
    ];
  });
  return wrong.join('\n');
}

/** Where this clone and this user's home are must not stand in a file that others get. */
function traces(): string {
  const list = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  if (list.status !== 0) return `git ls-files failed: ${list.stderr}`;
  const places = [root, homedir()].filter((path) => path.length > 3);
  const files = list.stdout.split('\0').filter((name) => name !== '' && existsSync(join(root, name)));
  return files
    .flatMap((name) => {
      const text = readFileSync(join(root, name), 'latin1');
      return places.filter((path) => text.includes(`${path}/`)).map((path) => `${name} mentions ${path}`);
    })
    .join('\n');
}

const results = await Promise.all(
  Object.entries(CHECKS).map(async ([name, check]) => {
    const began = performance.now();
    const wrong = await check();
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    console.log(`${wrong === '' ? 'ok    ' : 'FAILED'}  ${name.padEnd(24)}${seconds.padStart(6)} s`);
    return { name, wrong };
  }),
);
const failed = results.filter(({ wrong }) => wrong !== '');
for (const { name, wrong } of failed) console.log(`\n== ${name}\n${wrong.trimEnd()}`);
process.exitCode = failed.length > 0 ? 1 : 0;
