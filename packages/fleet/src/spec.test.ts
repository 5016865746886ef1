/** A SPEC.md names the tests that hold its invariants; this holds the names to account. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PHASES } from './convergence/ledger.ts';
import { RULES } from './convergence/rules.ts';
import { TRANSITIONS } from './rollouts/transitions.ts';

const read = (path: string): string => readFileSync(join(import.meta.dirname, path), 'utf8');

/** Rows of a table of invariants: the number, and each test as file and title. */
function heldBy(path: string): { id: string; file: string; title: string }[] {
  return read(path)
    .split('\n')
    .flatMap((line) => {
      const cells = line.split(' | ');
      const id = /^\| ((?:C|RO|L|AL)\d+)$/.exec(cells[0] ?? '')?.[1];
      if (id === undefined) return [];
      let file = '';
      return [...(cells.at(-1) ?? '').matchAll(/`([\w./-]+\.test\.ts)`|"([^"]+)"/g)].flatMap(([, name, title]) => {
        if (name !== undefined) file = join(dirname(path), name);
        return title === undefined ? [] : [{ id, file, title }];
      });
    });
}

describe.each([
  ['convergence/SPEC.md', 24],
  ['rollouts/SPEC.md', 28],
  ['alerts/SPEC.md', 8],
])('%s', (path, count) => {
  const rows = heldBy(path);

  test('every invariant names a test', () => {
    expect(new Set(rows.map(({ id }) => id)).size).toBe(count);
    const numbered = read(path).match(/^\| (?:C|RO|L|AL)\d+ \|/gm) ?? [];
    expect(numbered).toHaveLength(count);
  });

  test.each(rows)('$id: $file has "$title"', ({ file, title }) => {
    expect(read(file)).toContain(title);
  });
});

test('the phases and states of the tables are those of the code', () => {
  const convergence = read('convergence/SPEC.md');
  for (const phase of PHASES) expect(convergence).toContain(`| \`${phase}\` |`);
  expect(Object.keys(RULES)).toEqual([...PHASES]);
  const rollouts = read('rollouts/SPEC.md');
  for (const state of Object.keys(TRANSITIONS)) expect(rollouts).toContain(`| ${state} |`);
});
