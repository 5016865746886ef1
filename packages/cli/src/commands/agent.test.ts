import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeServer } from '../../test/fake-server.ts';
import { run } from '../../test/terminal.ts';
import { NOW } from '../../test/world.ts';

let server: FakeServer;
beforeEach(async () => {
  server = await new FakeServer().listen();
  server.world.putConfiguration('edge', '');
  server.world.save('edge', { files: { '': { body: 'a: 1', contentType: 'text/yaml' } }, message: 'first' });
  server.world.addAgents('edge', 2);
  server.world.addAgents(null, 1, {
    state: 'failed',
    sync: 'failed',
    reason: 'FAILED: unknown type "nop" for id "nop/1"\u001b[2J and then some more words that take place',
    reported: { hash: 'cd', status: 'FAILED', errorMessage: 'x', at: '2026-11-21T11:00:00.000Z' },
    lastSeen: null,
  });
});
afterEach(() => server[Symbol.asyncDispose]());

test('agent list: a table with states as symbol and word; what agents say cannot drive the terminal', async () => {
  const { code, out, err } = await run(server.url, ['agent', 'list']);
  expect(code).toBe(0);
  expect(err).toBe('');
  expect(out).toMatchInlineSnapshot(`
    "NAME         STATE      GROUP  DESIRED  REPORTED  LAST SEEN  REASON
    edge-host-1  ✓ in-sync  edge   edge@1   APPLIED   5s ago     proven to run edge@1
    edge-host-2  ✓ in-sync  edge   edge@1   APPLIED   5s ago     proven to run edge@1
    lone-host-1  ✗ failed   -      -        FAILED    -          FAILED: unknown type "nop" for id "nop/1"\\u001b[2J and then some more words that take place
    "
  `);
});

test('agent list at a terminal: cut to its width, coloured unless NO_COLOR says otherwise', async () => {
  const coloured = await run(server.url, ['agent', 'list'], { columns: 90 });
  expect(coloured.out).toContain('\u001b[32m✓ in-sync\u001b[39m');
  const plain = await run(server.url, ['agent', 'list'], { columns: 90, env: { NO_COLOR: '1' } });
  expect(plain.out).not.toContain('\u001b');
  const lines = plain.out.trimEnd().split('\n');
  expect(Math.max(...lines.map((line) => [...line].length))).toBeLessThanOrEqual(90);
  expect(lines.at(-1)).toMatch(/…$/);
});

test('-o name, json, yaml, wide and --no-headers; times are RFC 3339 where machines read', async () => {
  const name = await run(server.url, ['agent', 'list', '-o', 'name', '--group', 'edge']);
  expect(name.out).toBe('agent/a-edge-1\nagent/a-edge-2\n');
  const json = await run(server.url, ['agent', 'list', '-o', 'json', '--state', 'failed']);
  expect(JSON.parse(json.out)).toMatchObject([{ id: 'a-none-1', state: 'failed' }]);
  const yaml = await run(server.url, ['-o', 'yaml', 'agent', 'list', '-q', 'edge-host-2']);
  expect(yaml.out).toContain('lastSeen: 2026-11-21T11:59:55.000Z');
  const wide = await run(server.url, ['agent', 'list', '-o', 'wide', '--no-headers', '--group', 'edge']);
  expect(wide.out.split('\n')[0]).toContain('0.149.0');
  const state = await run(server.url, ['agent', 'list', '--state', 'nope']);
  expect(state).toMatchObject({ code: 2, err: expect.stringContaining('Allowed choices are awaiting-approval, ') });
  const wrong = await run(server.url, ['agent', 'list', '-o', 'xml']);
  expect(wrong).toMatchObject({
    code: 2,
    err: expect.stringContaining("'xml' is invalid. Allowed choices are table, wide, json, yaml, name."),
  });
});

test('a list longer than a page is read to its end', async () => {
  server.world.addAgents('core', 2_300);
  const { out } = await run(server.url, ['agent', 'list', '-o', 'name', '--group', 'core']);
  expect(out.trimEnd().split('\n')).toHaveLength(2_300);
});

test('agent show: by name, with the ledger and its times', async () => {
  const { code, out } = await run(server.url, ['agent', 'show', 'edge-host-1']);
  expect(code).toBe(0);
  expect(out).toMatchInlineSnapshot(`
    "Name:          edge-host-1
    State:         ✓ in-sync
    Reason:        proven to run edge@1
    Id:            a-edge-1
    Instance uid:  a-edge-1000000000000000000000000
    Group:         edge
    Labels:        host.name=edge-host-1 role=edge
    Connected:     yes
    Last seen:     5s ago
    Transport:     websocket
    Health:        healthy=yes status=StatusOK at=5s ago
    Capabilities:  ReportsStatus, AcceptsRemoteConfig
    Version:       0.149.0
    Desired:       edge@1
    Reported:      hash=abababababab status=APPLIED at=3m ago
    Admission:     open
    Sync:          in-sync
    First seen:    1d ago

    Ledger (UTC, newest first)
    REVISION  PHASE     DATE        OFFERED   SENT      APPLYING  APPLIED   PROVEN    FAILED  VERDICT
    edge@1    ✓ proven  2026-11-21  11:59:30  11:59:31  11:59:32  11:59:40  11:59:40  -       confirmed
    "
  `);
});

test('an agent that is not there: exit code 4, and what was perhaps meant', async () => {
  const { code, err } = await run(server.url, ['agent', 'show', 'edge-host']);
  expect(code).toBe(4);
  expect(err).toBe(
    'flaghoist: no agent has the id, instance uid or name "edge-host"; did you mean edge-host-1 or edge-host-2?\n',
  );
});

test('a name that two agents share: exit code 5, with their ids', async () => {
  server.world.addAgents('core', 1, { name: 'edge-host-1' });
  const { code, err } = await run(server.url, ['agent', 'restart', 'edge-host-1']);
  expect(code).toBe(5);
  expect(err).toContain('a-edge-1, a-core-1');
});

test('agent config: the text on stdout; none is exit code 4', async () => {
  const desired = await run(server.url, ['agent', 'config', 'a-edge-1', '--view', 'desired']);
  expect(desired).toEqual({ code: 0, out: 'view: desired\n', err: '' });
  server.world.addAgents('off', 1, { connected: false });
  expect(await run(server.url, ['agent', 'config', 'a-off-1'])).toMatchObject({ code: 4, out: '' });
});

test('agent label, pin, unpin, retry, restart, delete and timeline', async () => {
  expect(await run(server.url, ['agent', 'label', 'a-edge-1', 'zone=a', 'old-', '--author', 'bob'])).toMatchObject({
    code: 0,
    out: 'agent/a-edge-1 labelled\n',
  });
  expect(server.world.calls).toEqual([{ labels: { zone: 'a', old: null }, author: 'bob' }]);
  expect(await run(server.url, ['agent', 'label', 'a-edge-1', 'zone'])).toMatchObject({ code: 2 });

  const pin = ['agent', 'pin', 'agent/a-edge-1', '--to', 'edge@latest', '--reason', 'try'];
  expect(await run(server.url, [...pin, '--expires', '2h'])).toMatchObject({
    code: 0,
    out: 'agent/a-edge-1 pinned to edge@latest\n',
  });
  expect(server.world.calls.at(-1)).toMatchObject({
    pin: { configuration: 'edge', revision: 'latest', reason: 'try', expires: NOW + 7_200_000 },
  });
  expect(await run(server.url, [...pin, '--expires', 'soon'])).toMatchObject({ code: 2 });

  for (const act of ['unpin', 'retry', 'restart', 'approve']) {
    expect(await run(server.url, ['agent', act, 'a-edge-1'])).toMatchObject({ code: 0 });
  }
  const timeline = await run(server.url, ['agent', 'timeline', 'a-edge-1', '--no-headers']);
  expect(timeline.out.split('\n').map((line) => line.trim().split(/\s+/)[2])).toEqual([
    'agent.labelled',
    'agent.pinned',
    'agent.unpinned',
    'agent.retried',
    'agent.restarted',
    'agent.approved',
    undefined,
  ]);
});

test('deleting asks at a terminal; --yes and pipes answer', async () => {
  const no = await run(server.url, ['agent', 'delete', 'a-edge-1'], { columns: 80, input: 'n\n' });
  expect(no).toMatchObject({ code: 1, out: '' });
  expect(no.err).toContain('agent/a-edge-1: forget it with its history?');
  expect(server.world.agents).toHaveLength(3);
  expect(await run(server.url, ['agent', 'delete', 'a-edge-1'], { columns: 80, input: 'y\n' })).toMatchObject({
    code: 0,
  });
  expect(await run(server.url, ['agent', 'delete', 'a-edge-2', '--yes'], { columns: 80 })).toMatchObject({
    code: 0,
  });
  expect(await run(server.url, ['agent', 'delete', 'a-none-1'])).toMatchObject({
    code: 0,
    out: 'agent/a-none-1 deleted\n',
  });
});

test('many by a selector: asked with their number, done as places come free, refusals told; Ctrl-C says what was done', async () => {
  server.world.agents.length = 0;
  server.world.addAgents('edge', 4);
  const no = await run(server.url, ['agent', 'restart', '-l', 'role=edge'], { columns: 100, input: 'n\n' });
  expect([no.code, no.err]).toEqual([1, expect.stringContaining('Restart 4 agents (role=edge)? [y/N]')]);
  const { code, out, err } = await run(server.url, ['agent', 'restart', '-l', 'role=edge']);
  expect(code).toBe(1);
  expect(out).toBe('agent/edge-host-3 not told to restart: offline\n3 of 4 agents told to restart\n');
  expect(err).toContain('2/4 told to restart, 2 wait for a place in flight\n');
  expect(server.world.calls.at(0)).toMatchObject({ restart: { selector: 'role=edge', expected: 4 } });
  expect(server.world.calls.at(-1)).toMatchObject({ restart: { agents: ['a-edge-3', 'a-edge-4'] } });
  const controller = new AbortController();
  const stopped = await run(server.url, ['agent', 'unpin', '-l', 'role=edge'], {
    interrupted: controller.signal,
    onOutput: (text) => text.includes('wait for a place') && controller.abort(),
  });
  expect(stopped).toMatchObject({ code: 130, err: expect.stringContaining('stopped: ') });
  const both = await run(server.url, ['agent', 'restart', 'a-edge-1', '-l', 'role=edge']);
  expect(both).toMatchObject({ code: 2, out: '', err: expect.stringContaining('not both') });
  expect(await run(server.url, ['agent', 'restart'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('-l SELECTOR'),
  });
}, 15_000);
