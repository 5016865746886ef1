import { stripVTControlCharacters } from 'node:util';
import { AGENT_STATES, PHASES, ROLLOUT_STATES, TARGET_STATES } from '@flaghoist/fleet';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { paintState } from './paint.ts';
import { type Column, renderFacts, renderTable } from './table.ts';
import { ago, cut, oneLine, paintedLines, plainLines, widthOf } from './text.ts';
import { words } from './words.ts';

interface Row {
  readonly name: string;
  readonly count: number;
  readonly why: string;
}

const COLUMNS: Column<Row>[] = ['name', 'count', ['message', ({ why }) => why]];
const ROWS: Row[] = [
  { name: 'a', count: 7, why: 'short' },
  { name: 'longer', count: 1200, why: 'a long reason that goes on' },
];
const now = Date.parse('2026-11-21T12:00:00Z');
const table = (rows: readonly Row[], options: { width: number; headers?: boolean }): string[] =>
  renderTable(COLUMNS, rows, { now, headers: true, ...options }).map(stripVTControlCharacters);

test('aligned, numbers at the right, no blanks at the end', () => {
  expect(table(ROWS, { width: Number.POSITIVE_INFINITY })).toEqual([
    'NAME    COUNT  MESSAGE',
    'a           7  short',
    'longer   1200  a long reason that goes on',
  ]);
});

test('prose is cut to the width, at its end; nothing that can be typed is, however narrow it gets', () => {
  expect(table(ROWS, { width: 27, headers: false })).toEqual(['a          7  short', 'longer  1200  a long reaso…']);
  expect(table(ROWS, { width: 19, headers: false })).toEqual(['a          7  short', 'longer  1200  a lo…']);
  expect(table(ROWS, { width: 5, headers: false })).toEqual(['a          7', 'longer  1200']);
});

test('of several texts the widest gives way first, and only the last becomes very narrow', () => {
  const columns: Column<{ id: string; reason: string; message: string }>[] = ['id', 'reason', 'message'];
  const rows = [{ id: 'r9jq021mee3vn', reason: 'a reason with more words', message: 'a message of some words' }];
  const at = (width: number) => renderTable(columns, rows, { width, now, headers: false })[0];
  expect(at(46)).toBe('r9jq021mee3vn  a reason with…  a message of s…');
  expect(at(35)).toBe('r9jq021mee3vn  a reason wi…  a mes…');
});

test('states have their symbol and colour, and are never cut', () => {
  const cell = renderTable(['state'], [{ state: 'failed' }, { state: 'awaiting-approval' }], {
    width: 12,
    now,
    headers: false,
  });
  expect(cell.map((one) => stripVTControlCharacters(one))).toEqual(['✗ failed', '⏸ awaiting-approval']);
  expect(cell[0]).toBe('\u001b[31m✗ failed\u001b[39m');
});

test('every state has a symbol', () => {
  const states = [...AGENT_STATES, ...ROLLOUT_STATES, ...TARGET_STATES, ...PHASES, 'pending'];
  for (const state of states) expect(paintState(state)).not.toContain('•');
  expect(stripVTControlCharacters(paintState('toString'))).toBe('• toString');
});

test('without rows only the headers', () => {
  expect(table([], { width: 80 })).toEqual(['NAME  COUNT  MESSAGE']);
  expect(table([], { width: 80, headers: false })).toEqual([]);
});

test('facts stand below each other, in words; what there is not is left out', () => {
  const facts = {
    name: 'a',
    lastSeen: '2026-11-21T11:59:00.000Z',
    connected: false,
    pin: null,
    labels: {},
    health: '',
  };
  expect(renderFacts(facts, now)).toEqual(['Name:       a', 'Last seen:  1m ago', 'Connected:  no']);
});

test('values in words', () => {
  const hash = 'ab'.repeat(32);
  const pin = { configuration: 'edge', revision: 7, hash, reason: 'try', expires: '2026-11-21T14:00:00Z' };
  expect(words(pin, now)).toBe('edge@7 reason=try expires=in 2h');
  expect(words({ hash, sends: 0, at: null }, now)).toBe('hash=abababababab sends=0');
  expect(words(['a', 'b'], now)).toBe('a, b');
  expect([null, undefined, '', [], {}].map((none) => words(none, now))).toEqual(['-', '-', '-', '-', '-']);
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
  expect(ago('2026-11-21T12:00:00Z', now)).toBe('now');
  expect(ago('2026-11-21T11:59:01Z', now)).toBe('59s ago');
  expect(ago('2026-11-21T10:01:00Z', now)).toBe('1h ago');
  expect(ago('2026-11-01T10:00:00Z', now)).toBe('20d ago');
  expect(ago('2026-11-21T12:03:00Z', now)).toBe('in 3m');
});

test('cutting keeps whole characters', () => {
  expect(cut('🚢🚢🚢🚢', 3)).toBe('🚢🚢…');
  expect(widthOf('\u001b[1mab\u001b[22m')).toBe(2);
});
