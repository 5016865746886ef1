import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeServer } from '../../test/fake-server.ts';
import { run } from '../../test/terminal.ts';
import { NO_COUNTS } from '../../test/world.ts';

const GOOD = `receivers: { otlp: { protocols: { grpc: {} } } }
exporters: { debug: {} }
service: { pipelines: { traces: { receivers: [otlp], exporters: [debug] } } }
`;

let server: FakeServer;
let directory: string;
let file: string;
beforeEach(async () => {
  server = await new FakeServer().listen();
  directory = await mkdtemp(join(tmpdir(), 'flaghoist-push-'));
  file = join(directory, 'edge.yaml');
  await writeFile(file, GOOD);
  server.world.putGroup('edge', { selector: 'role=edge', priority: 100, configuration: 'edge' });
  server.world.addAgents('edge', 12);
});
afterEach(async () => {
  await rm(directory, { recursive: true });
  await server[Symbol.asyncDispose]();
});

const push = (...more: string[]): string[] => [
  'push',
  file,
  '--configuration',
  'edge',
  '-m',
  'second backend',
  ...more,
];

test('push makes the configuration if it is new, saves the revision and starts the rollout', async () => {
  const first = await run(server.url, push('--group', 'edge', '--author', 'bob'));
  expect(first).toEqual({
    code: 0,
    out: 'edge@1\nrollout/r-1 started: group edge to edge@1, 12 agents\n',
    err: 'configuration/edge created\n',
  });
  expect(server.world.calls).toEqual([
    {
      rollout: {
        configuration: 'edge',
        revision: 1,
        group: 'edge',
        supersede: false,
        author: 'bob',
        message: 'second backend',
      },
    },
  ]);
  const again = await run(server.url, push('--group', 'group/edge', '--supersede', '-o', 'json'));
  expect(JSON.parse(again.out)).toMatchObject({
    revision: { number: 1, created: false },
    rollouts: [{ id: 'r-2' }],
  });
  expect(server.world.calls.at(-1)).toMatchObject({
    rollout: { supersede: true, author: userInfo().username },
  });
  expect((await run(server.url, push('--fleet'))).out).toBe(
    'edge@1 unchanged\nrollout/r-3 started: group edge to edge@1, 12 agents\n',
  );
});

test('without a destination the text is only saved, and that is said', async () => {
  const { code, out, err } = await run(server.url, push());
  expect([code, out]).toEqual([0, 'edge@1\n']);
  expect(err).toContain('saved, pushed to nobody: flaghoist rollout start --group G --to edge@1');
  expect(server.world.calls).toEqual([]);
});

test('mistakes change nothing: two destinations, an unknown group, an unreadable file, no message', async () => {
  expect(await run(server.url, push('--group', 'edge', '--fleet'))).toMatchObject({ code: 2 });
  expect(await run(server.url, push('--group', 'egde'))).toMatchObject({
    code: 4,
    err: expect.stringContaining('no group is called "egde"; flaghoist group list shows all, flaghoist apply -f '),
  });
  const unreadable = await run(server.url, ['push', join(directory, 'no.yaml'), '--configuration', 'edge', '-m', 'x']);
  expect(unreadable).toMatchObject({ code: 2, err: expect.stringContaining('cannot read') });
  await writeFile(join(directory, 'latin1.yaml'), Uint8Array.of(0x61, 0x3a, 0x20, 0xe4));
  const foreign = await run(server.url, ['push', join(directory, 'latin1.yaml'), '--configuration', 'edge', '-m', 'x']);
  expect(foreign).toMatchObject({ code: 2, err: expect.stringContaining('latin1.yaml: it is not UTF-8 text') });
  const misled = await run(server.url, push('--group', 'edge', '--strategy', 'foo'));
  expect(misled).toMatchObject({ code: 4, err: expect.stringContaining('foo') });
  const silent = await run(server.url, ['push', file, '--configuration', 'edge']);
  expect(silent).toMatchObject({
    code: 2,
    err: expect.stringContaining("required option '-m, --message <text>'"),
  });
  expect(server.world.configurations.size).toBe(0);
});

test('a broken text is a negative result, with line, column and rule', async () => {
  await writeFile(file, `${GOOD}exporters: {}\n`);
  const { code, err } = await run(server.url, push('--group', 'edge'));
  expect(code).toBe(1);
  expect(err.split(' in one mapping')[0]).toBe(
    `flaghoist: edge was not saved: 1 problem\n  ${file}:4:1: duplicate-key: key "exporters" stands twice`,
  );
  expect(server.world.configurations.size).toBe(0);
  server.world.putConfiguration('edge', '');
  expect(await run(server.url, push('--group', 'edge'))).toMatchObject({ code: 1 });
  expect(server.world.rollouts.size).toBe(0);
});

test('at a terminal, a push to more than 10 agents at once is asked about, before anything is saved', async () => {
  const no = await run(server.url, push('--group', 'edge'), { columns: 100, input: '\n' });
  expect(no.code).toBe(1);
  expect(no.err).toContain('Push edge to 12 agents (edge) at once, without trying it on a few first? [y/N]');
  expect(server.world.configurations.size).toBe(0);
  expect((await run(server.url, push('--group', 'edge'), { columns: 100, input: 'yes\n' })).code).toBe(0);
  expect((await run(server.url, push('--group', 'edge', '--yes'), { columns: 100 })).code).toBe(0);
});

test('--watch in a pipe: plain lines, then what failed and why in the words of the agents; exit code 1', async () => {
  server.world.onStart = ({ id }) => {
    server.world.progress(id, { counts: { ...NO_COUNTS, pending: 4, sent: 4, proven: 4 }, inFlight: 4 });
    setTimeout(() => {
      server.world.progress(id, {
        counts: { ...NO_COUNTS, proven: 9, failed: 2, deferred: 1 },
        inFlight: 0,
        state: 'paused',
        from: { configuration: 'edge', revision: 7, hash: 'ab' },
        pause: { reason: 'failures', message: '2 agents failed, at most 0 may' },
        failures: [
          {
            reason: 'agent-failed',
            message: '\'exporters\' unknown type: "nop"\nfor id: "nop"',
            count: 2,
            examples: [{ agent: 'a-edge-1', name: 'edge-host-1' }],
          },
        ],
      });
    }, 50);
  };
  const { code, out, err } = await run(server.url, push('--group', 'edge', '--watch'));
  expect(code).toBe(1);
  expect(err.trimEnd().split('\n').slice(-5)).toEqual([
    'edge → edge@1  9/12 proven  ✗ 2 failed  ○ 1 offline  ‖ paused',
    '  paused: 2 agents failed, at most 0 may',
    'to go on, accepting that: flaghoist rollout resume r-1',
    'to go back to edge@7: flaghoist rollout rollback r-1 -m WHY',
    'with a mended text: flaghoist push FILE --configuration edge --group edge --supersede -m WHY',
  ]);
  expect(out).toMatchInlineSnapshot(`
    "edge@1
    rollout/r-1 started: group edge to edge@1, 12 agents
    edge: what failed and why
      ✗ 2 agents  agent-failed  (edge-host-1, …)
          'exporters' unknown type: "nop"
          for id: "nop"
    rollout/r-1 paused: 2 agents failed, at most 0 may; 9 of 12 agents of group edge prove that they run it
    "
  `);
});

test('--watch at a terminal draws in place; success is exit code 0', async () => {
  server.world.onStart = ({ id }) => {
    server.world.progress(id, {
      counts: { ...NO_COUNTS, proven: 12 },
      state: 'succeeded',
      endedAt: '2026-11-21T12:00:00Z',
    });
  };
  const { code, out, err } = await run(server.url, push('--group', 'edge', '--watch', '--yes'), {
    columns: 100,
  });
  expect(code).toBe(0);
  expect(err).toContain('12/12 proven');
  expect(err).toContain('\u001b[K');
  expect(out).toContain('rollout/r-1 succeeded: 12 of 12 agents of group edge prove that they run it');
});

test('--watch stays at a gate, says what opens it, and ends with the outcome', async () => {
  const pause = { reason: 'gate', message: 'canary has passed; 11 agents of stage 100% are next' } as const;
  server.world.onStart = ({ id }) => server.world.progress(id, { state: 'paused', pause });
  const promoted = run(server.url, push('--group', 'edge', '--watch'), {
    onOutput: (text) => {
      if (text.includes('to go on: flaghoist rollout promote r-1'))
        server.world.progress('r-1', { counts: { ...NO_COUNTS, proven: 12 }, state: 'succeeded', pause: null });
    },
  });
  expect(await promoted).toMatchObject({ code: 0, out: expect.stringContaining('rollout/r-1 succeeded') });
  const nobody = await run(server.url, push('--group', 'edge', '--watch', '--timeout', '150ms'));
  expect(nobody).toMatchObject({
    code: 6,
    err: expect.stringContaining('not finished in time; the rollout waits for'),
  });
});

test('--watch of several groups: one that waits for a person keeps nobody, once another has stopped', async () => {
  server.world.putGroup('gateway', { selector: 'role=gw', priority: 100, configuration: 'edge' });
  server.world.onStart = ({ id }) => {
    const reason = id === 'r-1' ? 'operator' : 'failures';
    server.world.progress(id, { state: 'paused', pause: { reason, message: '' } });
  };
  expect((await run(server.url, push('--fleet', '--watch'))).code).toBe(1);
});

test('--watch tells of a retry when it happens', async () => {
  const failed = { ...NO_COUNTS, failed: 1, pending: 11 };
  server.world.onStart = ({ id }) => {
    server.world.progress(id, { counts: failed });
    setTimeout(() => {
      const at = '2026-11-21T12:03:04.000Z';
      server.world.decisions.push({ seq: 1, at, author: 'bob', kind: 'retried', data: { agents: ['a-edge-1'] } });
      server.world.progress(id, { counts: { ...failed, failed: 0, offered: 1 } });
    }, 50);
  };
  const { err } = await run(server.url, push('--group', 'edge', '--watch', '--timeout', '2500ms'));
  expect(err).toContain('12:03:04  bob  1 failed agent asked once more\n');
});

test('--timeout: exit code 6; Ctrl-C: 130. Both leave the rollout running and say so', async () => {
  const late = await run(server.url, push('--group', 'edge', '--watch', '--timeout', '150ms'));
  expect(late.code).toBe(6);
  expect(late.err).toContain('not finished in time; the rollout goes on: flaghoist rollout status r-1 --watch\n');
  const controller = new AbortController();
  server.world.onStart = () => setTimeout(() => controller.abort(), 50);
  const stopped = await run(server.url, push('--group', 'edge', '--watch'), {
    interrupted: controller.signal,
  });
  expect(stopped.code).toBe(130);
  expect(stopped.err).toContain('not watching any more; the rollout goes on');
  expect(server.world.rollouts.get('r-2')?.state).toBe('running');
  expect((await run(server.url, push('--watch', '--timeout', 'soon'))).code).toBe(2);
});

test('the view survives a broken connection', async () => {
  server.world.onStart = ({ id }) => {
    setTimeout(() => server.hangUp(), 50);
    setTimeout(() => {
      server.world.progress(id, { counts: { ...NO_COUNTS, proven: 12 }, state: 'succeeded' });
    }, 100);
  };
  expect((await run(server.url, push('--group', 'edge', '--watch'))).code).toBe(0);
});

test('a group without agents: said as it is', async () => {
  server.world.putGroup('new', { selector: 'role=new', priority: 100, configuration: 'edge' });
  server.world.onStart = ({ id }) => server.world.progress(id, { state: 'succeeded' });
  expect(await run(server.url, push('--group', 'new', '--watch'))).toMatchObject({
    code: 0,
    out:
      'edge@1\nrollout/r-1 started: group new to edge@1, no agents in it yet\n' +
      'rollout/r-1 succeeded: group new has no agents yet; those that come will get edge@1\n',
    err: expect.stringContaining('new → edge@1  no agents yet'),
  });
});

test('push to one agent is a pin, which is looked at with agent show', async () => {
  const pinned = await run(server.url, push('--agent', 'agent/edge-host-1'));
  expect(pinned).toMatchObject({ code: 0, out: 'edge@1\nagent/a-edge-1 pinned to edge@1\n' });
  expect(pinned.err).toContain('what it makes of it: flaghoist agent show a-edge-1\n');
  const watched = await run(server.url, push('--agent', 'a-edge-2', '--watch'));
  expect(watched).toMatchObject({ code: 2, err: expect.stringContaining("cannot be used with option '--watch'") });
});

test('a finding that wants a person: refused in a script, asked at a terminal, confirmed by --yes', async () => {
  server.world.findings = [
    { gate: 'G6', severity: 'confirm', message: 'from 10 to 30 components', count: 0, examples: [] },
  ];
  const script = await run(server.url, push('--group', 'edge'));
  expect(script).toMatchObject({ code: 5, err: expect.stringContaining('from 10 to 30 components') });
  const refused = await run(server.url, push('--group', 'edge'), { columns: 100, input: 'y\nn\n' });
  expect(refused.err).toContain('? G6');
  const terminal = await run(server.url, push('--group', 'edge', '--strategy', 'careful'), {
    columns: 100,
    input: 'y\n',
  });
  expect(terminal.code).toBe(0);
  expect(server.world.calls.at(-1)).toMatchObject({
    rollout: { confirm: ['G6'], plan: [{ group: 'edge', seed: 'seed', digest: 'dd' }] },
  });
  expect((await run(server.url, push('--group', 'edge', '--yes'))).code).toBe(0);
  expect(server.world.calls.at(-1)).toMatchObject({ rollout: { confirm: ['G6'] } });
});
