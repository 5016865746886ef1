import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeServer } from '../test/fake-server.ts';
import { run } from '../test/terminal.ts';

let server: FakeServer;
let directory: string;
beforeEach(async () => {
  server = await new FakeServer().listen();
  directory = await mkdtemp(join(tmpdir(), 'flaghoist-run-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
  await server[Symbol.asyncDispose]();
});

test('a misspelt command or option: exit code 2 and a suggestion', async () => {
  expect(await run(server.url, ['psuh'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('Did you mean push?'),
  });
  expect(await run(server.url, ['agent', 'lst'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('Did you mean list?'),
  });
  const option = await run(server.url, ['agent', 'list', '--sate', 'failed']);
  expect(option).toMatchObject({ code: 2, err: expect.stringContaining('Did you mean --state?') });
  expect(await run(server.url, ['agent'])).toMatchObject({ code: 2 });
});

test('-l where it would be ignored: exit code 2, and nothing happens', async () => {
  server.world.putGroup('edge', { selector: 'role=edge', priority: 1, configuration: 'edge' });
  server.world.addAgents('edge', 1);
  for (const words of ['agent restart a-edge-1', 'group list', 'simulate', 'server']) {
    const { code, out, err } = await run(server.url, [...words.split(' '), '-l', 'role=core']);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain('-l selects agents for agent list and group agents');
  }
  expect(server.world.calls).toEqual([]);
  for (const words of ['agent list', 'group agents edge'])
    expect(await run(server.url, [...words.split(' '), '-l', 'role=edge'])).toMatchObject({ code: 0 });
});

test('help is no error, shows the global options and goes to stdout', async () => {
  const { code, out, err } = await run(server.url, ['rollout', 'status', '--help']);
  expect([code, err]).toEqual([0, '']);
  expect(out).toContain('--watch');
  expect(out).toContain('-o, --output <format>');
});

test('no server: exit code 2 and what to do', async () => {
  await server[Symbol.asyncDispose]();
  const { code, err } = await run('127.0.0.1:1', ['agent', 'list']);
  expect(code).toBe(2);
  expect(err).toBe('flaghoist: no server answers at http://127.0.0.1:1: is it running, and is this its address?\n');
  server = await new FakeServer().listen();
});

test('the address: flag before environment before contexts file; the token goes with it', async () => {
  expect(await run('127.0.0.1:1', ['agent', 'list', '--server', server.url])).toMatchObject({ code: 0 });
  await run(server.url, ['agent', 'list'], { env: { FLAGHOIST_TOKEN: 's3cret' } });
  expect(server.world.authorization).toBe('Bearer s3cret');
  const { mkdir } = await import('node:fs/promises');
  await mkdir(join(directory, 'flaghoist'));
  const contexts = `current: lab\ncontexts:\n  lab: { server: "${server.url}", token: fromFile }\n`;
  await writeFile(join(directory, 'flaghoist/contexts.yaml'), contexts);
  const env = { XDG_CONFIG_HOME: directory, FLAGHOIST_SERVER: '' };
  expect(await run('', ['agent', 'list', '--context', 'lab'], { env })).toMatchObject({ code: 0 });
  expect(server.world.authorization).toBe('Bearer fromFile');
  const unknown = await run('', ['agent', 'list', '--context', 'prod'], { env });
  expect(unknown).toMatchObject({ code: 2, err: expect.stringContaining('there is: lab') });
  expect(await run('', ['agent', 'list', '--server', 'ftp://x'], { env })).toMatchObject({ code: 2 });
});

test('an empty list says so on stderr; --quiet does not', async () => {
  expect(await run(server.url, ['group', 'list'])).toEqual({ code: 0, out: '', err: 'none\n' });
  expect(await run(server.url, ['group', 'list', '--quiet'])).toEqual({ code: 0, out: '', err: '' });
  expect(await run(server.url, ['group', 'list', '-o', 'json'])).toEqual({ code: 0, out: '[]\n', err: '' });
});

test('the programs get their options and give the exit code', async () => {
  const { code, out } = await run(server.url, ['server', '--data', '/d', '--api-listen', '127.0.0.1:0']);
  expect(code).toBe(7);
  expect(JSON.parse(out)).toEqual({
    data: '/d',
    opampListen: '127.0.0.1:4320',
    apiListen: '127.0.0.1:0',
    opsListen: '127.0.0.1:4322',
  });
});

test('version tells of the server, or that there is none', async () => {
  const json = await run(server.url, ['version', '-o', 'json']);
  expect(JSON.parse(json.out)).toMatchObject({ client: { version: '0.1.0' }, server: { version: '9.9.9' } });
  const none = await run('127.0.0.1:1', ['version']);
  expect(none).toMatchObject({ code: 0, out: expect.stringContaining('none at http://127.0.0.1:1') });
});

test('check: offline; exit code 1 when something is wrong, with line, column and rule', async () => {
  const good = join(directory, 'good.yaml');
  const bad = join(directory, 'bad.yaml');
  await writeFile(good, 'service: { pipelines: { traces: { receivers: [otlp], exporters: [debug] } } }\n');
  await writeFile(bad, 'receivers: {}\nreceivers: {}\n');
  expect(await run('127.0.0.1:1', ['check', good])).toEqual({ code: 0, out: '', err: 'no problems\n' });
  const found = await run('127.0.0.1:1', ['check', bad]);
  expect(found.code).toBe(1);
  expect(found.out).toMatch(/bad\.yaml:2:1 +duplicate-key +key "receivers" stands twice/);
  expect(JSON.parse((await run('127.0.0.1:1', ['check', bad, '-o', 'json'])).out)).toMatchObject([
    { file: bad, line: 2, column: 1, rule: 'duplicate-key' },
  ]);
});

test('completion: scripts for four shells that ask what could follow', async () => {
  for (const shell of ['bash', 'zsh', 'fish', 'powershell']) {
    const { code, out } = await run(server.url, ['completion', shell]);
    expect(code).toBe(0);
    expect(out).toMatch(/flaghoist complete/);
  }
  expect(await run(server.url, ['completion', 'tcsh'])).toMatchObject({ code: 2 });
});

test('completion: commands and options; elsewhere the shell completes files', async () => {
  const complete = async (...words: string[]) => (await run(server.url, ['complete', '--', ...words])).out;
  expect(await complete('ag')).toBe('agent\tagents: by id, instance uid or name\n:4\n');
  expect(await complete('agent', 're')).toBe(
    'restart\trestart its collector\nretry\toffer it again what it refused\n:4\n',
  );
  expect(await complete('push', 'f.yaml', '--gr')).toBe('--group\tthe agents of a group\n:4\n');
  expect(await complete('group', 'list', '--qui')).toBe('--quiet\tno output but data and errors\n:4\n');
  expect(await complete('push', '')).toBe(':0\n');
  expect(await complete('comp')).not.toContain('complete\t');
});
