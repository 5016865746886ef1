/** docs/rollouts.md is read at 3 a.m.: its words and figures are those of the code. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FAILURE_REASONS } from '../convergence/ledger.ts';
import { PAUSE_REASONS, ROLLOUT_STATES, SKIP_REASONS, TARGET_STATES } from './rollout.ts';
import { BUILT_IN_STRATEGIES, type Share, type Strategy } from './strategy.ts';

const page = readFileSync(join(import.meta.dirname, '../../../../docs/rollouts.md'), 'utf8');

/** Rows of all tables below a heading, each as its cells. */
function rowsBelow(heading: string): string[][] {
  const [, after = ''] = page.split(`\n## ${heading}\n`);
  const [section = ''] = after.split('\n## ');
  const rows = section.split('\n').filter((line) => line.startsWith('|'));
  return rows.map((row) =>
    row
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
}

/** The words in code style that stand first in the rows of a section. */
const named = (heading: string): string[] =>
  rowsBelow(heading).flatMap(([first = '']) => /^`([a-z-]+)`$/.exec(first)?.[1] ?? []);

test.each([
  ['States', ROLLOUT_STATES],
  ['Why it is paused', PAUSE_REASONS],
  ['What became of an agent', ['pending', ...TARGET_STATES, ...FAILURE_REASONS]],
])('%s: each has its row, and nothing else has', (heading, names) => {
  expect(named(heading).sort()).toEqual([...names].sort());
});

test('each reason to leave an agent out is explained', () => {
  expect(SKIP_REASONS.filter((reason) => !page.includes(`\`${reason}\``))).toEqual([]);
});

const UNITS = [
  ['m', 60_000],
  ['s', 1_000],
] as const;

function time(millis: number): string {
  const [unit, length] = UNITS.find(([, length]) => millis >= length && millis % length === 0) ?? UNITS[1];
  return `${millis / length}${unit}`;
}

function share(share: Share): string {
  if ('count' in share) return `${share.count}`;
  const { percent, least, most } = share;
  return [`${percent}%`, ...(least ? [`at least ${least}`] : []), ...(most ? [`at most ${most}`] : [])].join(', ');
}

/** A column of the table, top to bottom. */
function column({ canary, terms, soak, ...strategy }: Strategy): string[] {
  return [
    strategy.name,
    strategy.stages.join(', '),
    strategy.stages[0] === 'canary' ? `${share(canary.size)}, ${canary.min} to ${canary.max}` : 'none',
    share(strategy.maxInFlight),
    share(strategy.maxFailed),
    share(strategy.maxLost),
    share(strategy.maxDeferred),
    `${strategy.successThreshold}%`,
    time(terms.deliveryTimeout),
    time(terms.applyTimeout),
    time(terms.minHealthyTime),
    `${time(soak.canary)}; ${time(soak.stage)}`,
    time(strategy.bake),
    time(strategy.progressDeadline),
    time(strategy.revertTimeout),
    strategy.onFailure,
  ];
}

test('the built-in strategies have these figures', () => {
  const rows = rowsBelow('The built-in strategies').filter(([first]) => first !== '---');
  const [names = [], ...figures] = rows;
  const columns = BUILT_IN_STRATEGIES.map((_, at) => [names, ...figures].map((cells) => cells[at + 1]));
  expect(columns).toEqual(BUILT_IN_STRATEGIES.map(column));
});
