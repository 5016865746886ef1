import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeServer } from '../test/fake-server.ts';
import { run } from '../test/terminal.ts';

let server: FakeServer;
beforeEach(async () => {
  server = await new FakeServer().listen();
});
afterEach(async () => {
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
  for (const words of ['group list', 'simulate', 'server']) {
    const { code, out, err } = await run(server.url, [...words.split(' '), '-l', 'role=core']);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain("unknown option '-l'");
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

test('the address: flag before environment', async () => {
  expect(await run('127.0.0.1:1', ['agent', 'list', '--server', server.url])).toMatchObject({ code: 0 });
  expect(await run(server.url, ['agent', 'list', '--server', 'ftp://x'])).toMatchObject({ code: 2 });
});

test('an empty list says so on stderr; --quiet does not', async () => {
  expect(await run(server.url, ['group', 'list'])).toEqual({ code: 0, out: '', err: 'none\n' });
  expect(await run(server.url, ['group', 'list', '--quiet'])).toEqual({ code: 0, out: '', err: '' });
  expect(await run(server.url, ['group', 'list', '-o', 'json'])).toEqual({ code: 0, out: '[]\n', err: '' });
});

test('the programs get their options and give the exit code; agents are heard on port 4320: S-004', async () => {
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

test('completion: scripts for three shells that ask what could follow', async () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, out } = await run(server.url, ['completion', shell]);
    expect(code).toBe(0);
    expect(out).toMatch(/flaghoist completion (ba|fi)sh --/);
  }
  expect(await run(server.url, ['completion', 'tcsh'])).toMatchObject({ code: 2 });
});

test('completion: commands and options; elsewhere the shell completes files', async () => {
  const complete = async (...words: string[]) => (await run(server.url, ['completion', 'bash', '--', ...words])).out;
  expect(await complete('ag')).toBe('agent\n');
  expect(await complete('agent', 're')).toBe('restart\nretry\n');
  expect(await complete('push', 'f.yaml', '--gr')).toBe('--group\n');
  expect(await complete('group', 'list', '--qui')).toBe('--quiet\n');
  expect(await complete('push', '')).toBe('');
  expect(await complete('comp')).toBe('completion\n');
});
