// `node scripts/run.mjs PROGRAM [ARGS]`: sets the clone up, then runs a program of it under a Node that is new enough.
// Plain JavaScript for any Node from 18 on, like setup.mjs.
import { spawn } from 'node:child_process';
import module from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { root, setUp } from './setup.mjs';

const PROGRAMS = {
  bench: 'bench/run.ts',
  biome: 'node_modules/@biomejs/biome/bin/biome',
  check: 'scripts/check.ts',
  flaghoist: 'packages/flaghoist/src/main.ts',
  generate: 'scripts/generate.ts',
  'interop-build': 'interop/build.ts',
  package: 'scripts/package.ts',
  'simulate:engine': 'packages/server/test/engine/main.ts',
  vitest: 'node_modules/vitest/vitest.mjs',
};

const [name = '', ...args] = process.argv.slice(2);
const file = PROGRAMS[name];
if (file === undefined) {
  process.stderr.write(`usage: node scripts/run.mjs ${Object.keys(PROGRAMS).join('|')} [ARGS]\n`);
  process.exit(2);
}
const node = await setUp();
const program = path.join(root, file);
process.env.NODE_COMPILE_CACHE ??= path.join(root, 'node_modules', '.cache', 'compiled');
if (node === process.execPath) {
  module.enableCompileCache?.(process.env.NODE_COMPILE_CACHE);
  process.argv = [node, program, ...args];
  await import(pathToFileURL(program).href);
} else {
  runUnder(node);
}

function runUnder(node) {
  const child = spawn(node, [program, ...args], { stdio: 'inherit' });
  // The terminal sends Ctrl-C to the child as well: passed on, it would count as the second, impatient one.
  const terminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  process.on('SIGINT', () => terminal || child.kill('SIGINT'));
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 128 + os.constants.signals[signal]));
}
