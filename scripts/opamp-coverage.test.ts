// docs/opamp-coverage.md says of each requirement of the OpAMP specification what became of it. It is held to the tests
// here: the column "shown by" is written by this one (`npx vitest run --project scripts -u`), the rest by hand.
import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const root = dirname(import.meta.dirname);
const DOCUMENT = join(root, 'docs/opamp-coverage.md');
const STATES = ['done', 'not for a server', 'deviation', 'later'];
/** What a server may leave for later: it accepts, keeps or ignores it safely. First and last number. */
const MAY_COME_LATER = [
  ['S-131', 'S-153'], // connection settings
  ['S-154', 'S-154'], // the heartbeat interval, which is one of them
  ['S-160', 'S-160'],
  ['S-163', 'S-206'], // own telemetry, TLS, proxies, the CSR flow, authentication
  ['S-207', 'S-228'], // packages
  ['S-233', 'S-239'], // custom messages
] as const;
/** Tests named in a row; more are counted. */
const NAMED = 2;

interface Row {
  readonly line: string;
  readonly id: string;
  readonly level: string;
  readonly what: string;
  readonly state: string;
  readonly why: string;
}

const text = readFileSync(DOCUMENT, 'utf8');
const rows = text.split('\n').flatMap((line): Row[] => {
  if (!/^\| S-/.test(line)) return [];
  const [id = '', level = '', what = '', state = '', why = ''] = line
    .split('|')
    .slice(1)
    .map((cell) => cell.trim());
  return [{ line, id, level, what, state, why }];
});

/** Names of tests by the numbers that they carry; a number in a comment shows nothing. */
const named = new Map<string, string[]>();
for (const file of globSync(['packages/*/{src,test}/**/*.ts', 'interop/**/*.ts'], { cwd: root })) {
  if (!file.endsWith('.test.ts') && !file.includes('/test/')) continue;
  const source = readFileSync(join(root, file), 'utf8').replace(/^\s*(\/\/|\*|\/\*).*$/gm, '');
  for (const [, , name = ''] of source.matchAll(/(['"`])((?:(?!\1)[^\n])*\bS-\d{3}(?:(?!\1)[^\n])*)\1/g)) {
    for (const id of new Set(name.match(/\bS-\d{3}\b/g)))
      named.set(id, [...(named.get(id) ?? []), `${basename(file, '.ts')}: ${name.replaceAll('|', '/')}`]);
  }
}

const shownBy = (id: string): string => {
  const tests = named.get(id) ?? [];
  const more = tests.length > NAMED ? ` (and ${tests.length - NAMED} more)` : '';
  return tests.slice(0, NAMED).join('; ') + more;
};

test('every number from S-001 to S-277 has one row, in order', () => {
  expect(rows.map(({ id }) => id)).toEqual(
    Array.from({ length: 277 }, (_, index) => `S-${String(index + 1).padStart(3, '0')}`),
  );
});

test('every row says what it is about and what became of it; later is only what may be', () => {
  const mayComeLater = (id: string) => MAY_COME_LATER.some(([first, last]) => first <= id && id <= last);
  const wrong = rows.filter(
    ({ id, what, state, why }) =>
      what === '' ||
      !STATES.includes(state) ||
      (state === 'later' && !mayComeLater(id)) ||
      (state !== 'done' && why === ''),
  );
  expect(wrong.map(({ line }) => line)).toEqual([]);
});

test('what is done has a test that carries its number', () => {
  const bare = rows.filter(({ id, state }) => state === 'done' && !named.has(id));
  expect(bare.map(({ line }) => line)).toEqual([]);
});

test('the tests that a row names are those that there are', async () => {
  const written = rows.reduce((all, { line, id, level, what, state, why }) => {
    const row = `| ${id} | ${level} | ${what} | ${state} | ${state === 'done' ? shownBy(id) : why} |`;
    return all.replace(line, () => row);
  }, text);
  await expect(written).toMatchFileSnapshot(DOCUMENT);
});
