import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeServer } from './testing/fake-server.ts';
import { run } from './testing/terminal.ts';

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
  expect(err).toBe(
    'flaghoist: no server answers at http://127.0.0.1:1: is it running, and is this its address?\n',
  );
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

test('check: offline; text, json, junit and github; exit code 1 when something is wrong', async () => {
  const good = join(directory, 'good.yaml');
  const bad = join(directory, 'bad.yaml');
  await writeFile(good, 'service: { pipelines: { traces: { receivers: [otlp], exporters: [debug] } } }\n');
  await writeFile(bad, 'receivers: {}\nreceivers: {}\n');
  expect(await run('127.0.0.1:1', ['check', good])).toEqual({
    code: 0,
    out: '',
    err: `${good}: nothing wrong\n`,
  });
  expect(await run('127.0.0.1:1', ['check', bad])).toMatchObject({
    code: 1,
    out: expect.stringContaining(`${bad}:2:1: duplicate-key: key "receivers" stands twice`),
  });
  const from = (format: string) => run('127.0.0.1:1', ['check', bad, '-o', format]);
  expect(JSON.parse((await from('json')).out)).toMatchObject({
    findings: [{ file: bad, line: 2, column: 1, rule: 'duplicate-key', severity: 'error' }],
  });
  expect((await from('github')).out).toContain(
    `::error file=${bad},line=2,col=1,title=duplicate-key::key "receivers"`,
  );
  expect((await from('junit')).out).toContain(
    '<failure type="duplicate-key" message="key &#34;receivers&#34;',
  );
  expect((await from('table')).code).toBe(2);
});

test('completion: scripts for four shells that ask what could follow', async () => {
  for (const shell of ['bash', 'zsh', 'fish', 'powershell']) {
    const { code, out } = await run(server.url, ['completion', shell]);
    expect(code).toBe(0);
    expect(out).toMatch(/flaghoist complete/);
  }
  expect(await run(server.url, ['completion', 'tcsh'])).toMatchObject({ code: 2 });
});

test('completion: commands, options, names of what is on the server; silent without one', async () => {
  server.world.putConfiguration('edge', 'edge collectors');
  server.world.save('edge', {
    files: { '': { body: 'a', contentType: 'text/yaml' } },
    message: 'first\tone',
  });
  server.world.putGroup('eu', { selector: '', priority: 1, configuration: 'edge' });
  server.world.addAgents('eu', 2);
  const complete = async (...words: string[]) => (await run(server.url, ['complete', '--', ...words])).out;
  expect(await complete('ag')).toBe('agent\tagents: by id, instance uid or name\n:4\n');
  expect(await complete('agent', 're')).toContain('restart\t');
  expect(await complete('push', 'f.yaml', '--gr')).toBe('--group\tto every agent of a group\n:4\n');
  expect(await complete('push', 'f.yaml', '--group', '')).toBe('eu\t2 agents\n:4\n');
  expect(await complete('push', '--group=e')).toBe('--group=eu\t2 agents\n:4\n');
  expect(await complete('agent', 'show', 'eu-host-2')).toBe('eu-host-2\tin-sync\n:4\n');
  expect(await complete('configuration', 'diff', 'edge@1', 'edge@')).toBe(
    'edge@latest\t\nedge@1\tfirst one\n:4\n',
  );
  expect(await complete('push', '')).toBe(':0\n');
  expect(await complete('agent', 'list', '-o', 'j')).toBe('json\t\n:4\n');
  expect((await run('127.0.0.1:1', ['complete', '--', 'group', 'show', ''])).out).toBe(':4\n');
});
