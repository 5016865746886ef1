import { readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { defaultLimits, maxFragments } from './limits.ts';

const src = dirname(fileURLToPath(import.meta.url));

/** Every specifier that a module and the modules below it import, types aside. */
function imports(entry: string, seen = new Map<string, string[]>()): Map<string, string[]> {
  if (seen.has(entry)) return seen;
  const text = readFileSync(entry, 'utf8').replace(/^(import|export) type [^;]*;/gms, '');
  const specifiers = [...text.matchAll(/^(?:import|export)\s(?:[^;]*?\sfrom\s)?'([^']+)'/gms)].map(
    ([, name = '']) => name,
  );
  const dynamic = [...text.matchAll(/\bimport\('([^']+)'\)/g)].map(([, name = '']) => name);
  seen.set(
    entry,
    [...specifiers, ...dynamic].map((name) => name.replaceAll('"', '')),
  );
  for (const name of seen.get(entry) ?? []) if (name.startsWith('.')) imports(resolve(dirname(entry), name), seen);
  return seen;
}

const outside = (entry: string) =>
  new Set([...imports(resolve(src, entry)).values()].flat().filter((name) => !name.startsWith('.')));

test.each(['index.ts', 'testing/index.ts'])('%s imports no Node builtin and nothing of ours', (entry) => {
  const names = outside(entry);
  expect([...names].every((name) => name.startsWith('@bufbuild/protobuf'))).toBe(true);
  for (const name of names) expect(builtinModules).not.toContain(name.replace('node:', ''));
});

test('the walk would find them: ./node imports builtins', () => {
  expect(outside('node/index.ts')).toContain('node:http');
});

test('no clock and no chance but those given', () => {
  for (const file of imports(resolve(src, 'index.ts')).keys()) {
    expect(readFileSync(file, 'utf8')).not.toMatch(/Date\.now\(|new Date\(\)|Math\.random\(|performance\.now\(/);
  }
});

test('R14: the limits fit together', () => {
  expect(maxFragments(4 * 1024 * 1024)).toBe(1280);
  expect(defaultLimits.receiveBytes).toBe(4 * 1024 * 1024);
  expect(defaultLimits).toMatchObject({
    headersMs: 10_000,
    requestMs: 30_000,
    firstMessageMs: 15_000,
    pingMs: 30_000,
  });
});
