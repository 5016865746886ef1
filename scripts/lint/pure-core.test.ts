import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const scratch = mkdtempSync(join(tmpdir(), 'flaghoist-lint-'));
afterAll(() => rmSync(scratch, { recursive: true }));
spawnSync('git', ['init', '-q', scratch]); // biome.json asks git what to ignore
for (const name of ['biome.json', 'scripts/lint/pure-core.grit']) cpSync(join(root, name), join(scratch, name));

const IMPURE = [
  'Date.now()',
  'new Date()',
  'new Date',
  'Date()',
  'Math.random()',
  'setTimeout(run, 5)',
  'setInterval(run, 5)',
  'setImmediate(run)',
  'globalThis.setTimeout(run, 5)',
  'performance.now()',
  'crypto.randomUUID()',
  'crypto.getRandomValues(bytes)',
  '(clock = Date.now) => clock',
];
const PURE = [
  'new Date(0)',
  'new Date(text)',
  'Date.parse(text)',
  'Math.round(0.5)',
  'agent.now()',
  'clock.setTimeout(run, 5)',
];

/** The numbers of the lines with a finding, when each expression has a line of its own in the file. */
function findings(file: string, expressions: readonly string[]): number[] {
  const path = join(scratch, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, expressions.map((expression) => `consume(${expression});\n`).join(''));
  const biome = join(root, 'node_modules/@biomejs/biome/bin/biome');
  const args = [biome, 'lint', '--reporter=github', '--max-diagnostics=none', file];
  const { stdout } = spawnSync(process.execPath, args, { cwd: scratch, encoding: 'utf8' });
  return [...stdout.matchAll(/title=plugin,.*?,line=(\d+),/g)].map((match) => Number(match[1]));
}

test.each(['packages/fleet/src/a.ts', 'packages/api/src/b/a.ts', 'packages/opamp/src/a.ts'])('%s is pure', (file) => {
  expect(findings(file, IMPURE)).toEqual(IMPURE.map((_, index) => index + 1));
  expect(findings(file, PURE)).toEqual([]);
});

test.each(['packages/fleet/src/a.test.ts', 'packages/opamp/src/node/a.ts', 'packages/server/src/a.ts'])(
  '%s need not be',
  (file) => {
    expect(findings(file, IMPURE)).toEqual([]);
  },
);
