import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NO_COUNTS, World } from '../../test/world.ts';
import { screenOn } from '../output/screen.ts';
import { decisionLines, decisionRows } from './decisions.ts';
import { bar, renderLines, renderOutcome, renderRollout, waysOut } from './view.ts';

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

/** The same in three stages, of which the second is open. */
function staged(more: Partial<ReturnType<World['start']>> = {}) {
  const counts = (of: object) => ({ ...NO_COUNTS, ...of });
  const stages = [
    { name: 'canary' as const, planned: 3, counts: counts({ proven: 3 }) },
    { name: '25%' as const, planned: 72, counts: counts({ proven: 40, applying: 5, failed: 1, pending: 26 }) },
    { name: '100%' as const, planned: 225, counts: counts({ pending: 225 }) },
  ];
  const from = { configuration: 'edge', revision: 3, hash: 'cd' };
  return rollout(43, {
    ...{ stages, stage: 1, from, inFlight: 5, counts: counts({ proven: 43, applying: 5, failed: 1, pending: 251 }) },
    ...more,
  });
}

test('in a log a line for each rollout, without what time alone changes', () => {
  const rollouts = [
    staged({ eta: '2026-11-21T12:00:40.000Z' }),
    rollout(300, { group: 'gateway', state: 'succeeded' }),
  ];
  expect(plain(renderLines(rollouts))).toEqual([
    'edge → edge@4     stage 25%  43/300 proven  ✗ 1 failed  ↻ 5 in flight',
    'gateway → edge@4  300/300 proven  ✓ succeeded',
  ]);
  const pause = { reason: 'failures', message: '4 agents failed, at most 3 may' } as const;
  expect(plain(renderLines([rollout(20, { state: 'paused', pause })]))).toEqual([
    'edge → edge@4  20/300 proven  ‖ paused',
    '  paused: 4 agents failed, at most 3 may',
  ]);
});

const failures = [
  {
    reason: 'agent-failed',
    message: 'unknown type: "nop"\nmore',
    count: 1,
    examples: [{ agent: 'a', name: 'host-a' }],
  },
] as const;

test('at a terminal: a row for each stage, who is late and why, what failed, how long it takes', () => {
  const stragglers = [
    { agent: 'b', name: 'host-b', state: 'applying', since: '2026-11-21T11:58:40.000Z', reason: 'says APPLYING' },
  ] as const;
  const shown = renderRollout(staged({ eta: '2026-11-21T13:10:00.000Z', failures, stragglers }), NOW, 100);
  expect(plain(shown)).toMatchInlineSnapshot(`
    [
      "edge → edge@4  from edge@3, all-at-once  ▶ running  about 1h10m left",
      "  ✓ canary  ██████████████████████████████  3/3 proven",
      "  ▶ 25%     ████████████████▚▒▒░░░░░░░░░░░  40/72 proven  ✗ 1 failed  ↻ 5 in flight",
      "    100%    ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░  0/225 proven",
      "  on the way longest",
      "    host-b   1m20s  says APPLYING",
      "  ✗ 1 agent-failed  host-a  unknown type: "nop"",
    ]
  `);
  for (const line of plain(renderRollout(staged({ failures, stragglers }), NOW, 40)))
    expect([...line].length).toBeLessThanOrEqual(40);
});

test.each([
  ['a soak', { watchedUntil: '2026-11-21T12:04:12.000Z' }, 'soak: 4m12s left, then stage 100% (225 agents)'],
  ['the bake', { state: 'baking', stage: 3, watchedUntil: '2026-11-21T12:24:00.000Z' }, 'bake: 24m left, then it'],
  ['a gate', { state: 'paused', pause: { reason: 'gate', message: 'canary has passed' } }, 'paused: canary has passed'],
  [
    'the way back',
    { state: 'rolling-back', rollback: { message: '2 failed', deadline: '2026-11-21T12:05:00.000Z', bounded: true } },
    'goes back: 2 failed',
  ],
] as const)('says what it waits for: %s', (_, more, words) => {
  expect(plain(renderRollout(staged(more), NOW, 200)).join('\n')).toContain(words);
});

test('what can be typed after a pause: at a gate, after a failure, with nothing to go back to', () => {
  const paused = (reason: 'gate' | 'failures', from: 'some' | 'none') =>
    waysOut(staged({ state: 'paused', pause: { reason, message: '' }, ...(from === 'none' ? { from: null } : {}) }));
  expect(paused('gate', 'some').slice(0, 2)).toEqual([
    'to go on: flaghoist rollout promote r-1',
    'to go back to edge@3: flaghoist rollout rollback r-1 -m WHY',
  ]);
  expect(paused('failures', 'none').slice(0, 2)).toEqual([
    'to go on, accepting that: flaghoist rollout resume r-1',
    'to leave it as it is: flaghoist rollout stop r-1 --leave-mixed -m WHY',
  ]);
});

test('decisions: who, when, why; the latest where there are many', () => {
  const at = '2026-11-21T12:03:04.000Z';
  const log = [
    {
      seq: 1,
      at,
      author: 'ada',
      kind: 'started',
      data: { header: { planned: 3, message: 'why', stages: [{ name: 'canary' }, { name: '100%' }] } },
    },
    { seq: 2, at, author: 'flaghoist', kind: 'soaking', data: { deferred: ['a'] } },
    { seq: 3, at, author: 'bob', kind: 'paused', data: { reason: 'operator', message: 'looks\nodd' } },
    { seq: 4, at, author: 'x', kind: 'from-the-future', data: {} },
  ];
  expect(decisionLines(log)).toEqual([
    '12:03:04  ada  started for 3 agents: why',
    '12:03:04  flaghoist  everybody of stage canary has an outcome, 1 agent offline; soak begins',
    '12:03:04  bob  paused (operator): looks odd',
    '12:03:04  x  from-the-future',
  ]);
  expect(plain(decisionRows(log, 1))).toEqual(['  decisions (UTC, 3 earlier)', '    12:03:04  x  from-the-future']);
});

test('decisions name the stage that was open, gates or not', () => {
  const stages = ['canary', '5%', '25%', '100%'].map((name) => ({ name }));
  const kinds = ['soaking', 'advanced', 'promoted', 'soaking', 'promoted', 'soaking', 'advanced', 'soaking'];
  const log = [
    { kind: 'started', data: { header: { planned: 9, stages } } },
    ...kinds.map((kind) => ({ kind, data: {} })),
  ];
  const lines = decisionLines(log.map((one, seq) => ({ seq, at: '2026-11-21T12:03:04.000Z', author: 'x', ...one })));
  expect(lines.map((line) => /stage (\S+)/.exec(line)?.[1] ?? '-')).toEqual([
    '-',
    'canary',
    'canary',
    '-',
    '5%',
    '-',
    '25%',
    '25%',
    '100%',
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
      const counts = { ...NO_COUNTS, proven, failed, applying: open };
      const one = rollout(proven, { counts, stages: [{ name: '100%', planned: 300, counts }] });
      for (const line of plain(renderRollout(one, NOW, width))) expect([...line].length).toBeLessThanOrEqual(width);
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
