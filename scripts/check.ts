// `npm run check`: everything about the sources that can be checked without running them.
import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const root = dirname(import.meta.dirname);

/** What to run under this Node; or what tells what is wrong: nothing if all is well. */
const CHECKS: Readonly<Record<string, string | (() => string)>> = {
  types: 'node_modules/typescript/bin/tsc --project .',
  'lint and format': 'node_modules/@biomejs/biome/bin/biome check --error-on-warnings --max-diagnostics=200 .',
  'dependency directions':
    'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs --config .dependency-cruiser.mjs packages',
  'unused code': 'node_modules/knip/bin/knip.js --no-config-hints',
  'generated files': 'scripts/generate.ts --check',
  lockfile,
  'traces of this machine': traces,
};

/** Resolves to what the program says if it fails. */
async function run(command: string): Promise<string> {
  const env = { ...process.env, ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : { NO_COLOR: '1' }) };
  try {
    await promisify(execFile)(process.execPath, command.split(' '), { cwd: root, env, maxBuffer: 2 ** 26 });
    return '';
  } catch (error) {
    const { stdout, stderr, message } = error as { stdout: string; stderr: string; message: string };
    return stdout + stderr || message;
  }
}

/** A `resolved` address would tie the lockfile to one registry, and without `integrity` a package is not pinned. */
function lockfile(): string {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { link?: true; resolved?: string; integrity?: string }>;
  };
  return Object.entries(packages)
    .filter(
      ([path, { link, resolved, integrity }]) => path.includes('node_modules/') && !link && (resolved || !integrity),
    )
    .map(([path]) => `${path} is to be pinned by "integrity", without "resolved"\n`)
    .join('');
}

/** Where this clone and this user's home are must not stand in a file that others get. */
function traces(): string {
  const places = [root, homedir()].filter((path) => path.length > 3).flatMap((path) => ['-e', `${path}/`]);
  const search = ['grep', '--untracked', '--line-number', '--fixed-strings', ...places];
  const { stdout, stderr } = spawnSync('git', search, { cwd: root, encoding: 'utf8' });
  return stdout + stderr;
}

const results = await Promise.all(
  Object.entries(CHECKS).map(async ([name, check]) => {
    const began = performance.now();
    const wrong = typeof check === 'string' ? await run(check) : check();
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    console.log(`${wrong === '' ? 'ok    ' : 'FAILED'}  ${name.padEnd(24)}${seconds.padStart(6)} s`);
    return { name, wrong };
  }),
);
const failed = results.filter(({ wrong }) => wrong !== '');
for (const { name, wrong } of failed) console.log(`\n== ${name}\n${wrong.trimEnd()}`);
process.exitCode = failed.length > 0 ? 1 : 0;
