import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { World } from '../../test/world.ts';
import { PLAIN, styleFor } from '../output/style.ts';
import { LiveLines } from './live.ts';
import { bar, renderLine, renderOutcome, renderProgress } from './view.ts';

const COLOURS = styleFor({ write: () => undefined, isTTY: true }, {});
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
  const lines = renderProgress({ rollouts, connected: true, now: NOW }, { width: 120, style: PLAIN });
  expect(lines).toMatchInlineSnapshot(`
    [
      "edge → edge@4        ██████████████████▒▒▒▒▒▒▒▒▒▒░░░░░░░░░░░░  142/300 proven  ↻ 75 in flight  about 40s left",
      "gateway-eu → edge@4  ████████████████████████████████████████  300/300 proven  ✓ succeeded",
    ]
  `);
});

test('a pause says why; a broken stream is not hidden', () => {
  const pause = { reason: 'failures', message: '4 agents failed, at most 3 may' } as const;
  const paused = rollout(20, { state: 'paused', pause });
  expect(
    renderProgress({ rollouts: [paused], connected: false, now: NOW }, { width: 100, style: PLAIN }).slice(1),
  ).toEqual(['  paused: 4 agents failed, at most 3 may', '  the server does not answer: trying again']);
  expect(renderLine(paused, NOW, PLAIN)).toBe('edge → edge@4  20/300 proven  ‖ paused: 4 agents failed, at most 3 may');
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
  expect(renderOutcome([failed], { width: 40, style: PLAIN })).toEqual([
    'edge: what failed and why',
    '  ✗ 7 agents  agent-failed  (host-a, host-b, …)',
    '      cannot start pipelines:',
    '        listen tcp :4317: bind: address already in use\\u001b[2J',
  ]);
  const stragglers = Array.from({ length: 20 }, (_, index) => {
    return { agent: `${index}`, name: `host-${index}`, state: 'pending', why: 'waits', since: null } as const;
  });
  const missing = renderOutcome([rollout(180, { stragglers })], { width: 40, style: PLAIN });
  expect(missing).toHaveLength(7);
  expect(missing.at(-1)).toBe('  … and 115 more');
  expect(renderOutcome([rollout(300)], { width: 40, style: PLAIN })).toEqual([]);
});

test('no line is ever wider than the terminal, and a bar is as wide as it should be', () => {
  const counts = fc.nat({ max: 300 });
  fc.assert(
    fc.property(counts, counts, counts, fc.integer({ min: 10, max: 200 }), (proven, failed, open, width) => {
      const some = rollout(proven, { inFlight: open });
      const one = { ...some, counts: { ...some.counts, failed, pending: 0 } };
      for (const style of [PLAIN, COLOURS]) {
        for (const line of renderProgress({ rollouts: [one], connected: false, now: NOW }, { width, style })) {
          expect([...stripVTControlCharacters(line)].length).toBeLessThanOrEqual(width);
        }
      }
      const parts = { total: 300, proven, open, failed, out: 0 };
      expect([...stripVTControlCharacters(bar(parts, width, COLOURS))]).toHaveLength(width);
    }),
  );
});

test('a single failure among many is seen in the bar', () => {
  expect(bar({ total: 10_000, proven: 9_999, open: 0, failed: 1, out: 0 }, 20, PLAIN)).toBe(`${'█'.repeat(19)}▚`);
  expect(bar({ total: 0, proven: 0, open: 0, failed: 0, out: 0 }, 5, PLAIN)).toBe('░░░░░');
});

test('live lines are drawn over each other, and only when they changed', () => {
  const written: string[] = [];
  const live = new LiveLines({ write: (text) => written.push(text) });
  live.draw(['a', 'b']);
  live.draw(['a', 'b']);
  live.draw(['c']);
  live.end();
  live.draw(['d']);
  expect(written).toEqual(['a\u001b[K\nb\u001b[K\n\u001b[J', '\u001b[2Ac\u001b[K\n\u001b[J', 'd\u001b[K\n\u001b[J']);
});
