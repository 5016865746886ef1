import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { allItems, createClient } from '@flaghoist/api';
import { type RunningServer, startServer } from '@flaghoist/server';
import { afterAll, beforeAll, expect, test } from 'vitest';

const cleanUp = new AsyncDisposableStack();
afterAll(() => cleanUp.disposeAsync());
let directory: string;
let server: RunningServer;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flaghoist-simulate-'));
  cleanUp.defer(() => rm(directory, { recursive: true }));
  await writeFile(join(directory, 'bad.yaml'), 'groups: [{ behaviours: [{ kind: crahs }] }]');
  const at = { host: '127.0.0.1', port: 0 };
  const options = { data: join(directory, 'data'), opamp: at, api: at, ops: at, version: 'test', logLevel: 'silent' };
  server = cleanUp.use(await startServer({ ...options, onFatal: (error) => expect.unreachable(String(error)) }));
});

function simulate(...args: string[]): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), 'simulate', ...args]);
  cleanUp.defer(() => void child.kill('SIGKILL'));
  return child;
}

async function ended(child: ChildProcessWithoutNullStreams): Promise<{ code: number; out: string; err: string }> {
  const [[code], out, err] = await Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)]);
  return { code, out, err };
}

test.concurrent('agents appear on the server, and leave on Ctrl-C', async ({ expect }) => {
  const client = createClient({ baseUrl: `http://${server.addresses.api}` });
  const agents = () => allItems((cursor) => client.listAgents({ cursor }));
  const child = simulate('--agents', '5', '--url', `ws://${server.addresses.opamp}/v1/opamp`);
  const end = ended(child);
  await expect.poll(agents, { timeout: 15_000 }).toHaveLength(5);
  for (const agent of await agents()) expect(agent).toMatchObject({ connected: true, state: 'unmanaged' });
  await expect
    .poll(async () => (await agents()).every(({ health }) => health?.healthy), { timeout: 15_000 })
    .toBe(true);
  child.kill('SIGINT');
  expect(await end).toMatchObject({ code: 0, out: expect.stringMatching(/^\d\/5 connected to ws:.*\n/), err: '' });
  await expect.poll(async () => (await agents()).some(({ connected }) => connected)).toBe(false);
});

test.concurrent('where nobody answers, nobody is connected', async () => {
  const child = simulate('--agents', '1', '--url', 'ws://127.0.0.1:1');
  const end = ended(child);
  const said = new Promise((resolve) => child.stdout.once('data', resolve));
  await said;
  child.kill('SIGTERM');
  expect(await end).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^0\/1 connected to ws:\/\/127\.0\.0\.1:1, /),
    err: '',
  });
});

test.concurrent.each([
  [['--agents', 'many'], "argument 'many' is invalid. Give a whole number."],
  [['--seed', '1.5'], "argument '1.5' is invalid. Give a whole number."],
  [['--agents', '5', '--scenario', 'bad.yaml'], "'--scenario <file>' cannot be used with option '--agents <number>'"],
  [['--url', 'localhost:4320'], '--url: is "localhost:4320"; write one such as ws://127.0.0.1:4320/v1/opamp'],
  [['--scenario', 'missing.yaml'], "no such file or directory, open 'missing.yaml'"],
  [['--scenario', 'bad.yaml'], 'bad.yaml: groups[0].behaviours[0].kind: is "crahs"; allowed are good, '],
])('%j is refused in a sentence', async (args, sentence) => {
  const { code, out, err } = await ended(simulate(...args.map((arg) => arg.replace(/^bad/, `${directory}/bad`))));
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toContain(`flaghoist: `);
  expect(err).toContain(sentence);
  expect(err).not.toContain('    at ');
});
