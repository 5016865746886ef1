import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { World } from '../../test/world.ts';
import { screenOn } from '../output/screen.ts';
import { bar, renderOutcome, renderProgress } from './view.ts';

const plain = (lines: readonly string[]): string[] => lines.map(stripVTControlCharacters);
const NOW = Date.parse('2026-11-21T12:00:00.000Z');

/** A rollout over 300 agents of which some came to an end. */
function rollout(proven: number, more: Partial<ReturnType<World['start']>> = {}) {
  const world = new World();
  world.putGroup('edge', { selector: '', priority: 1, configuration: 'edge' });
  const group = world.groups.get('edge');
  if (group === undefined) throw new Error('no group');
  const target = { configuration: 'edge', revision: 4, hash: 'ab' };
  const started = world.start({ ...group, agents: 300 }, target, {
    configuration: 'edge',
    revision: 4,
    message: '',
    supersede: false,
  });
  const counts = { ...started.counts, pending: 300 - proven, proven };
  return { ...started, counts, ...more };
}

test('a line per rollout, aligned, with what matters in words beside the bar', () => {
  const rollouts = [
    rollout(142, { inFlight: 75, eta: '2026-11-21T12:00:40.000Z' }),
    rollout(300, { group: 'gateway-eu', state: 'succeeded' }),
  ];
  expect(plain(renderProgress(rollouts, NOW, 120))).toMatchInlineSnapshot(`
    [
      "edge → edge@4        ██████████████████▒▒▒▒▒▒▒▒▒▒░░░░░░░░░░░░  142/300 proven  ↻ 75 in flight  about 40s left",
      "gateway-eu → edge@4  ████████████████████████████████████████  300/300 proven  ✓ succeeded",
    ]
  `);
});

test('a pause says why; where nobody looks there is no bar', () => {
  const pause = { reason: 'failures', message: '4 agents failed, at most 3 may' } as const;
  const paused = rollout(20, { state: 'paused', pause });
  expect(plain(renderProgress([paused], NOW, Number.POSITIVE_INFINITY))).toEqual([
    'edge → edge@4  20/300 proven  ‖ paused',
    '  paused: 4 agents failed, at most 3 may',
  ]);
});

test('the outcome groups failures in the words of the agents, all lines of them, made harmless', () => {
  const failed = rollout(290, {
    failures: [
      {
        reason: 'agent-failed',
        message: 'cannot start pipelines:\n  listen tcp :4317: bind: address already in use\u001b[2J',
        count: 7,
        examples: [
          { agent: 'a', name: 'host-a' },
          { agent: 'b', name: 'host-b' },
        ],
      },
    ],
  });
  expect(plain(renderOutcome(failed))).toEqual([
    'edge: what failed and why',
    '  ✗ 7 agents  agent-failed  (host-a, host-b, …)',
    '      cannot start pipelines:',
    '        listen tcp :4317: bind: address already in use\\u001b[2J',
  ]);
  expect(renderOutcome(rollout(300))).toEqual([]);
});

test('no line is ever wider than the terminal, and a bar is as wide as it should be', () => {
  const counts = fc.nat({ max: 300 });
  fc.assert(
    fc.property(counts, counts, counts, fc.integer({ min: 10, max: 200 }), (proven, failed, open, width) => {
      const some = rollout(proven, { inFlight: open });
      const one = { ...some, counts: { ...some.counts, failed, pending: 0 } };
      for (const line of plain(renderProgress([one], NOW, width))) expect([...line].length).toBeLessThanOrEqual(width);
      expect([...stripVTControlCharacters(bar(one, width))]).toHaveLength(width);
    }),
  );
});

test('a single failure among many is seen in the bar', () => {
  const some = rollout(0, { planned: 10_000 });
  const barOf = (counts: Partial<typeof some.counts>, planned: number): string =>
    stripVTControlCharacters(bar({ ...some, planned, counts: { ...some.counts, pending: 0, ...counts } }, 20));
  expect(barOf({ proven: 9_999, failed: 1 }, 10_000)).toBe(`${'█'.repeat(19)}▚`);
  expect(barOf({}, 0)).toBe('░'.repeat(20));
  expect(barOf({ proven: 3 }, 3)).toBe('█'.repeat(20));
});

test('live lines are drawn over each other, and only when they changed', () => {
  const written: string[] = [];
  const screen = screenOn({ write: (text) => written.push(text), isTTY: true }, {});
  screen.draw(['a', 'b']);
  screen.draw(['a', 'b']);
  screen.draw(['c']);
  expect(written).toEqual(['a\u001b[K\nb\u001b[K\n\u001b[J', '\u001b[2Ac\u001b[K\n\u001b[J']);
});

test('in a log only the lines that are new', () => {
  const written: string[] = [];
  const screen = screenOn({ write: (text) => written.push(text) }, {});
  screen.draw(['\u001b[31ma\u001b[39m', 'b']);
  screen.draw(['\u001b[31ma\u001b[39m', 'c']);
  screen.draw(['c']);
  expect(written.join('')).toBe('a\nb\nc\n');
});
