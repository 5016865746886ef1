import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Column, renderFacts, renderTable } from './table.ts';
import { ago, cut, oneLine, paintedLines, plainLines, widthOf } from './text.ts';

interface Row {
  readonly name: string;
  readonly count: number;
  readonly why: string;
}

const COLUMNS: Column<Row>[] = [
  { header: 'NAME', cell: ({ name }) => name },
  { header: 'COUNT', cell: ({ count }) => String(count), right: true },
  { header: 'UID', cell: () => 'uid', wide: true },
  { header: 'WHY', cell: ({ why }) => ({ text: why, paint: (text) => `<${text}>` }), least: 8 },
];
const ROWS: Row[] = [
  { name: 'a', count: 7, why: 'short' },
  { name: 'longer', count: 1200, why: 'a long reason that goes on' },
];

test('aligned, numbers at the right, paint after padding, no blanks at the end', () => {
  expect(renderTable(COLUMNS, ROWS, { width: Number.POSITIVE_INFINITY })).toBe(
    'NAME    COUNT  WHY\na           7  <short>\nlonger   1200  <a long reason that goes on>\n',
  );
});

test('cut to the width at the columns that may be cut', () => {
  expect(renderTable(COLUMNS, ROWS, { width: 27, headers: false })).toBe(
    'a          7  <short>\nlonger  1200  <a long reaso…>\n',
  );
});

test('wide columns only when asked for; without rows only the headers', () => {
  expect(renderTable(COLUMNS, [], { width: 80, wide: true })).toBe('NAME  COUNT  UID  WHY\n');
  expect(renderTable(COLUMNS, [], { width: 80, headers: false })).toBe('');
});

test('facts stand below each other, those of wide columns too; what there is not is left out', () => {
  const columns: Column<Row>[] = [...COLUMNS, { header: 'PIN', cell: () => '-' }];
  const [row] = ROWS;
  if (row) expect(renderFacts(columns, row)).toBe('Name:   a\nCount:  7\nUid:    uid\nWhy:    <short>\n');
});

test('nothing that a terminal obeys comes through', () => {
  const text = fc.string({
    unit: fc.constantFrom('\u001b', '[', 'm', '2', 'J', '\u009b', '\u202e', '\r', '\n', '\t', 'x'),
  });
  fc.assert(
    fc.property(text, (given) => {
      expect(oneLine(given)).not.toMatch(/[\p{Cc}\u202e]/u);
      expect(plainLines(given).replaceAll(/[\n\t]/g, '')).not.toMatch(/[\p{Cc}\u202e]/u);
      expect(paintedLines(given).replaceAll(/\p{Cc}\[[\d;]*m|[\n\t]/gu, '')).not.toMatch(/[\p{Cc}\u202e]/u);
    }),
  );
  expect(paintedLines('\u001b[31mred\u001b[39m \u0007[1m')).toBe('\u001b[31mred\u001b[39m \\u0007[1m');
});

test('times for people', () => {
  const now = Date.parse('2026-11-21T12:00:00Z');
  expect(ago(null, now)).toBe('never');
  expect(ago('2026-11-21T12:00:00Z', now)).toBe('now');
  expect(ago('2026-11-21T11:59:01Z', now)).toBe('59s ago');
  expect(ago('2026-11-21T10:01:00Z', now)).toBe('1h ago');
  expect(ago('2026-11-01T10:00:00Z', now)).toBe('20d ago');
});

test('cutting keeps whole characters', () => {
  expect(cut('🚢🚢🚢🚢', 3)).toBe('🚢🚢…');
  expect(widthOf('\u001b[1mab\u001b[22m')).toBe(2);
});
