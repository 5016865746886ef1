import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeServer } from '../../test/fake-server.ts';
import { run } from '../../test/terminal.ts';
import { NO_COUNTS } from '../../test/world.ts';

const MAIN = join(import.meta.dirname, '../../../flaghoist/src/main.ts');

let server: FakeServer;
beforeEach(async () => {
  server = await new FakeServer().listen();
  server.world.putConfiguration('edge', 'edge collectors');
  server.world.save('edge', {
    files: { '': { body: 'a: 1\n', contentType: 'text/yaml' } },
    message: 'first',
  });
  server.world.save('edge', {
    files: { '': { body: 'a: 2\n', contentType: 'text/yaml' } },
    message: 'second',
  });
  server.world.putGroup('edge', { selector: 'role=edge', priority: 100, configuration: 'edge' });
  const edge = server.world.groups.get('edge');
  if (edge) server.world.groups.set('edge', { ...edge, stable: { configuration: 'edge', revision: 1, hash: 'ab' } });
  server.world.addAgents('edge', 4);
});
afterEach(() => server[Symbol.asyncDispose]());

test('rollout start, list, status, targets', async () => {
  const start = ['rollout', 'start', '--group', 'edge', '--to', 'edge@latest', '-m', 'go'];
  const started = await run(server.url, [...start, '--author', 'bob']);
  expect(started).toEqual({ code: 0, out: 'rollout/r-1 started: group edge to edge@2, 4 agents\n', err: '' });
  expect(server.world.calls.at(-1)).toMatchObject({
    rollout: { revision: 'latest', author: 'bob', message: 'go' },
  });
  server.world.progress('r-1', {
    counts: {
      pending: 1,
      offered: 0,
      sent: 1,
      applying: 0,
      verifying: 0,
      proven: 2,
      failed: 0,
      inconclusive: 0,
      reverting: 0,
      reverted: 0,
      'revert-unconfirmed': 0,
      deferred: 0,
      skipped: 0,
    },
    inFlight: 1,
    eta: '2026-11-21T12:01:30.000Z',
  });
  expect((await run(server.url, ['rollout', 'list'])).out).toMatchInlineSnapshot(`
    "ID   STATE      GROUP  TARGET  PROVEN  FAILED  CREATED  MESSAGE
    r-1  ▶ running  edge   edge@2     2/4       0  1m ago   go
    "
  `);
  expect((await run(server.url, ['rollout', 'status', 'rollout/r-1'])).out).toMatchInlineSnapshot(`
    "Id:       r-1
    Message:  go
    Author:   bob
    Created:  1m ago
    edge → edge@2  from edge@1, all-at-once  ▶ running  about 1m30s left
      ▶ 100%  2/4 proven  ↻ 1 in flight
    "
  `);
  const times = { stage: 0, offeredAt: null, sentAt: null, appliedAt: null, provenAt: null, failedAt: null };
  server.world.targets = [
    {
      agent: 'a-edge-1',
      name: 'edge-host-1',
      state: 'failed',
      late: false,
      reason: 'agent-failed',
      message: 'bad\nconfig',
      at: '2026-11-21T11:58:00.000Z',
      ...times,
    },
  ];
  expect((await run(server.url, ['rollout', 'targets', 'r-1'])).out).toMatchInlineSnapshot(`
    "NAME         STATE     SINCE   REASON        MESSAGE
    edge-host-1  ✗ failed  2m ago  agent-failed  bad config
    "
  `);
});

test('rollout list on a terminal of 80 columns: ids and states stand whole, the message takes what is left', async () => {
  await run(server.url, ['rollout', 'start', '--group', 'edge', '--to', 'edge@2', '-m', 'kafka for all of the edge']);
  const shown = async (state: 'running' | 'rolled-back-partial') => {
    const started = server.world.rollouts.get('r-1');
    if (started) server.world.rollouts.set('r-1', { ...started, id: 'r9jq021mee3vn', state });
    const { out } = await run(server.url, ['rollout', 'list'], { columns: 80, env: { NO_COLOR: '1' } });
    return out.split('\n')[1];
  };
  expect(await shown('running')).toBe(
    'r9jq021mee3vn  ▶ running  edge   edge@2     0/4       0  1m ago   kafka for all…',
  );
  expect(await shown('rolled-back-partial')).toBe(
    'r9jq021mee3vn  ↩ rolled-back-partial  edge   edge@2     0/4       0  1m ago',
  );
});

test('C@stable:GROUP names what the group fell back on', async () => {
  await run(server.url, ['rollout', 'start', '--group', 'edge', '--to', 'edge@stable:edge']);
  expect(server.world.calls.at(-1)).toMatchObject({ rollout: { revision: 1 } });
  const none = await run(server.url, ['rollout', 'start', '--group', 'edge', '--to', 'core@stable:edge']);
  expect(none).toMatchObject({ code: 4, err: 'flaghoist: group edge has no stable revision of core\n' });
});

test.each([['edge'], ['edge@'], ['edge@0'], ['edge@1@2'], ['@3']])('%s names no revision: exit code 2', async (to) => {
  expect(await run(server.url, ['rollout', 'start', '--group', 'edge', '--to', to])).toMatchObject({
    code: 2,
  });
});

test('a rollout that paused: its state comes with the ways out', async () => {
  await run(server.url, ['rollout', 'start', '--group', 'edge', '--to', 'edge@2']);
  const pause = { reason: 'failures', message: '1 agent failed, at most 0 may' } as const;
  server.world.progress('r-1', { state: 'paused', pause });
  const { code, out } = await run(server.url, ['rollout', 'status', 'r-1']);
  expect(code).toBe(0);
  expect(out.trimEnd().split('\n').slice(-4)).toEqual([
    '  paused: 1 agent failed, at most 0 may',
    'to go on, accepting that: flaghoist rollout resume r-1',
    'to go back to edge@1: flaghoist rollout rollback r-1 -m WHY',
    'with a mended text: flaghoist push FILE --configuration edge --group edge --supersede -m WHY',
  ]);
});

test('a push to several groups: status shows each of its rollouts, by the id of their parent', async () => {
  server.world.putGroup('gateway', { selector: 'role=gw', priority: 100, configuration: 'edge' });
  server.world.addAgents('gateway', 2);
  await run(server.url, ['rollout', 'start', '--fleet', '--to', 'edge@2']);
  for (const id of ['r-1', 'r-2']) server.world.progress(id, { parent: 'r-0', counts: { ...NO_COUNTS, proven: 1 } });
  const { out } = await run(server.url, ['rollout', 'status', 'r-0']);
  expect(out).toContain('Id:       r-1\nParent:   r-0\n');
  expect(out).toContain('gateway → edge@2  its first revision, all-at-once  ▶ running\n');
  for (const id of ['r-1', 'r-2']) server.world.progress(id, { state: 'succeeded' });
  expect(await run(server.url, ['rollout', 'status', 'r-0', '--watch'])).toMatchObject({
    code: 0,
    out: expect.stringContaining('rollout/r-2 succeeded'),
  });
});

describe('what people ask of a rollout', () => {
  const SEEN = { rollout: 'r-1', state: 'running', stage: 0, reason: null };
  beforeEach(async () => {
    await run(server.url, ['rollout', 'start', '--group', 'edge', '--to', 'edge@2']);
    server.world.progress('r-1', { counts: { ...NO_COUNTS, proven: 2, sent: 1, pending: 1 } });
  });

  test.each([
    [['pause', 'r-1', '-m', 'looks odd'], 'paused', { message: 'looks odd' }],
    [['resume', 'rollout/r-1'], 'running', { seen: [SEEN] }],
    [['promote', 'r-1'], 'running', { seen: [SEEN] }],
    [['rollback', 'r-1', '-m', 'bad', '--at-once'], 'rolling-back', { message: 'bad', atOnce: true }],
    [['stop', 'r-1', '-m', 'enough', '--leave-mixed'], 'stopped-mixed', { message: 'enough', leaveMixed: true }],
    [['retry', 'r-1', '--agent', 'edge-host-1', 'agent/a-edge-2'], 'running', { agents: ['a-edge-1', 'a-edge-2'] }],
  ])('%j', async (words, state, body) => {
    expect(await run(server.url, ['rollout', ...words, '--author', 'bob'])).toEqual({
      code: 0,
      out: `rollout/r-1 ${state}: edge → edge@2, 2 of 4 agents proven\n`,
      err: 'to watch it: flaghoist rollout status r-1 --watch\n',
    });
    expect(server.world.calls.at(-1)).toEqual({ [words[0] ?? '']: { ...body, author: 'bob' } });
  });

  test.each([
    [['rollback', 'r-1'], {}, '3 agents of group edge go back to edge@1. Roll back?'],
    [['stop', 'r-1', '-m', 'x', '--leave-mixed'], {}, '3 agents of group edge keep edge@2, 1 do not get it. Stop?'],
    [['promote', 'r-1'], { watchedUntil: '2026-11-21T12:04:00.000Z' }, 'the last 4m of the soak are skipped. Promote?'],
    [
      ['resume', 'r-1'],
      { state: 'paused', pause: { reason: 'lost', message: '2 vanished' } },
      'rollout r-1 paused: 2 vanished. Go on all the same?',
    ],
    [['retry', 'r-1', '--agent', 'edge-host-1'], {}, 'Offer edge@2 once more to 1 failed agent?'],
  ] as const)('at a terminal %j asks with the numbers, and no changes nothing', async (words, more, question) => {
    server.world.progress('r-1', { counts: { ...NO_COUNTS, proven: 2, sent: 1, pending: 1 }, ...more });
    const before = server.world.calls.length;
    const { code, err } = await run(server.url, ['rollout', ...words], { columns: 100, input: 'n\n' });
    expect([code, err]).toEqual([1, expect.stringContaining(question)]);
    expect(server.world.calls).toHaveLength(before);
  });

  test('promote, confirmed late: what the question was about is told to the server, not what it has become', async () => {
    const gate = { reason: 'gate', message: 'canary has passed' } as const;
    const stages = ['canary', '100%'].map((name) => ({ name: name as 'canary', planned: 2, counts: NO_COUNTS }));
    server.world.progress('r-1', { state: 'paused', pause: gate, stages, stage: 1 });
    const { err } = await run(server.url, ['rollout', 'promote', 'r-1', '--author', 'bob'], {
      ...{ columns: 100, input: 'y\n' },
      onOutput: (text) => {
        if (text.includes('[y/N]')) server.world.progress('r-1', { state: 'running', pause: null });
      },
    });
    expect(err).toContain('2 agents of stage 100% are next. Promote?');
    const seen = [{ rollout: 'r-1', state: 'paused', stage: 1, reason: 'gate' }];
    expect(server.world.calls.at(-1)).toEqual({ promote: { seen, author: 'bob' } });
  });

  test('stop needs a reason', async () => {
    expect(await run(server.url, ['rollout', 'stop', 'r-1', '--leave-mixed'])).toMatchObject({ code: 2 });
  });
});

test('--dry-run shows the plan and starts nothing; what it wrote is run as it was shown', async () => {
  const start = ['rollout', 'start', '--group', 'edge', '--to', 'edge@2'];
  const shown = await run(server.url, [...start, '--dry-run']);
  expect(shown.code).toBe(0);
  expect(shown.out).toMatchInlineSnapshot(`
    "group edge: edge@1 → edge@2, all-at-once, 4 agents, at least 47m
      canary  1 agent   soak 10m (edge-host-1)
      100%    3 agents  soak 5m
      bake 30m, then edge@2 is the stable revision
      at most 25 in flight (3 in the canary), 1 may fail (none in the canary), 2 may vanish, 20 be left for later
      when more fail, each agent goes back to what it last ran well, edge@1 for most of them
      kinds of agents
             3  otelcol 0.149.0: 1 in the canary
             1  otelcol 0.140.0: none of them in the canary
      left out: 1 pinned (edge-host-1)
    "
  `);
  expect(server.world.rollouts.size).toBe(0);
  const file = join(await mkdtemp(join(tmpdir(), 'flaghoist-plan-')), 'plan.json');
  await writeFile(file, (await run(server.url, [...start, '--dry-run', '-o', 'json'])).out);
  await run(server.url, [...start, '--plan', file]);
  expect(server.world.calls.at(-1)).toMatchObject({
    rollout: { plan: [{ group: 'edge', seed: 'seed', digest: 'dd' }] },
  });
  expect(await run(server.url, [...start, '--plan', MAIN])).toMatchObject({
    code: 2,
    err: expect.stringContaining('is no plan'),
  });
  server.world.findings = [{ gate: 'G9', severity: 'error', message: 'condemned', count: 0, examples: [] }];
  expect(await run(server.url, [...start, '--dry-run'])).toMatchObject({
    code: 1,
    out: expect.stringContaining('✗ G9  condemned'),
  });
});

test('rollout start needs exactly one destination', async () => {
  expect(await run(server.url, ['rollout', 'start', '--to', 'edge@1'])).toMatchObject({ code: 2 });
  expect(await run(server.url, ['rollout', 'start', '--to', 'edge@1', '--fleet', '--group', 'edge'])).toMatchObject({
    code: 2,
  });
});

test('status --watch ends with the outcome', async () => {
  await run(server.url, ['rollout', 'start', '--group', 'edge', '--to', 'edge@2']);
  server.world.progress('r-1', { state: 'superseded', supersededBy: 'r-2' });
  expect(await run(server.url, ['rollout', 'status', 'r-1', '--watch'])).toMatchObject({ code: 1 });
  expect(await run(server.url, ['rollout', 'status', 'r-9', '--watch'])).toMatchObject({ code: 4 });
});

test.each(['stdout', 'stderr'] as const)(
  'status --watch ends quietly when nobody reads its %s any more (| head)',
  async (stream) => {
    await run(server.url, ['rollout', 'start', '--group', 'edge', '--to', 'edge@2']);
    const args = [MAIN, 'rollout', 'status', 'r-1', '--watch', '--server', server.url];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = once(child, 'exit');
    await once(child.stderr, 'data');
    child[stream].destroy();
    server.world.progress('r-1', { state: 'paused', pause: { reason: 'failures', message: '1 agent failed' } });
    expect(await ended).toEqual([0, null]);
  },
);

test('configuration list, history, show, diff', async () => {
  expect((await run(server.url, ['configuration', 'list'])).out).toBe(
    'NAME  LATEST  GROUPS  CREATED  DESCRIPTION\nedge       2  -       1d ago   edge collectors\n',
  );
  expect((await run(server.url, ['configuration', 'history', 'edge', '-o', 'name'])).out).toBe('edge@2\nedge@1\n');
  const shown = await run(server.url, ['configuration', 'show', 'edge@1']);
  expect(shown.out).toBe('a: 1\n');
  expect(shown.err).toMatch(/^edge@1 \([0-9a-f]{12}\), saved 1h ago by ada: first\n$/);
  const diff = await run(server.url, ['configuration', 'diff', 'edge@stable:edge', 'edge@2'], {
    columns: 80,
  });
  expect(diff.code).toBe(1);
  expect(diff.out).toContain('\u001b[31m-a: 1\u001b[39m\n\u001b[32m+a: 2\u001b[39m');
  expect(await run(server.url, ['configuration', 'diff', 'edge@2', 'edge@latest'])).toEqual({
    code: 0,
    out: '',
    err: '',
  });
});

test('group list, show, agents', async () => {
  expect((await run(server.url, ['group', 'list'])).out).toBe(
    'NAME  CONFIGURATION  STABLE  AGENTS  PRIORITY  SELECTOR\nedge  edge           edge@1       4       100  role=edge\n',
  );
  expect((await run(server.url, ['group', 'show', 'edge'])).out).toContain('Stable:         edge@1\n');
  expect((await run(server.url, ['group', 'agents', 'edge', '-o', 'name'])).out.split('\n')).toHaveLength(5);
});

test('events: what they carry in one line, hashes short', async () => {
  server.world.record('rollout.progressed', 'rollout/r-1', {
    counts: { proven: 3 },
    hash: 'ab'.repeat(32),
    why: 'a\nb',
  });
  const { out } = await run(server.url, ['events', '--no-headers']);
  expect(out).toContain('  counts=proven=3 hash=abababababab why=a b\n');
});

test('events: the recent ones, and with --follow those to come, one JSON text per line', async () => {
  server.world.record('group.created', 'group/edge', { configuration: 'edge', priority: 100 });
  expect((await run(server.url, ['events'])).out).toMatchInlineSnapshot(`
    "SEQ  TIME UTC             KIND           SUBJECT     AUTHOR  DATA
      1  2026-11-21T12:00:00  group.created  group/edge  ada     configuration=edge priority=100
    "
  `);
  const controller = new AbortController();
  const following = run(server.url, ['events', '--follow', '-o', 'json'], {
    interrupted: controller.signal,
    onOutput: (text) => text.includes('"seq":3') && controller.abort(),
  });
  setTimeout(() => server.world.record('agent.enrolled', 'agent/x', {}), 50);
  setTimeout(() => server.world.record('agent.enrolled', 'agent/y', {}), 80);
  const { code, out } = await following;
  expect(code).toBe(130);
  expect(
    out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).seq),
  ).toEqual([1, 2, 3]);
});
