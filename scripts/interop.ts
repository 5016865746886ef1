// `npm run interop`: tests against the real Supervisor and Collector, which need Go to be built.
// With `--build-only` it builds them and stops.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';

const root = dirname(import.meta.dirname);

function run(program: string, ...args: string[]): number {
  return spawnSync(process.execPath, [join(root, program), ...args], { cwd: root, stdio: 'inherit' }).status ?? 1;
}

function test(): number {
  const reporters = ['--reporter=default', `--reporter=${join(root, 'scripts/skipped.ts')}`];
  const args = ['run', '--config', 'interop/vitest.config.ts', ...reporters, ...process.argv.slice(2)];
  return run('node_modules/vitest/vitest.mjs', ...args);
}

function skip(): number {
  console.log('skipped: interop (needs Go)');
  return process.env['CI'] ? 1 : 0;
}

const hasGo = spawnSync('go', ['version']).status === 0;
if (!hasGo) process.exitCode = skip();
else process.exitCode = process.argv.includes('--build-only') ? run('interop/build.ts') : test();
