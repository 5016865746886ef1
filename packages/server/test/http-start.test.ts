/** A server that cannot start says why, leaves nothing behind, and ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SettingError, startServer } from '../src/index.ts';

const MAIN = join(import.meta.dirname, '../../flaghoist/src/main.ts');
const SETTINGS = ['opamp', 'api', 'ops'] as const;

let directory: string;
let taken: string;
const processes: ChildProcess[] = [];
const holder = createServer();

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flaghoist-start-'));
  await once(holder.listen(0, '127.0.0.1'), 'listening');
  taken = `127.0.0.1:${(holder.address() as AddressInfo).port}`;
});
afterEach(async () => {
  for (const child of processes.splice(0)) child.kill('SIGKILL');
  holder.close();
  await rm(directory, { recursive: true, force: true });
});

function run(data: string, listen: Partial<Record<(typeof SETTINGS)[number], string>>): ChildProcess {
  const addresses = SETTINGS.flatMap((name) => [`--${name}-listen`, listen[name] ?? '127.0.0.1:0']);
  const args = [MAIN, 'server', '--data', join(directory, data), ...addresses];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  processes.push(child);
  return child;
}

describe('a port that is in use', () => {
  it.each(SETTINGS)('of --%s-listen ends the program with 2 and a sentence', async (name) => {
    const child = run('data', { [name]: taken });
    const told = text(child.stderr as NodeJS.ReadableStream);
    const [code] = await once(child, 'exit');
    expect(code).toBe(2);
    expect(await told).toContain(`flaghoist: --${name}-listen ${taken}: another program listens there`);
    expect(await told).toContain('give another port');
  });

  it('by another server: the second ends, the first goes on', async () => {
    const first = run('one', {});
    const [line] = (await once(first.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
    const api = /api=(\S+)/.exec(String(line))?.[1] ?? '';
    const [code] = await once(run('two', { api }), 'exit');
    expect(code).toBe(2);
    expect((await fetch(`http://${api}/api/v1/version`)).status).toBe(200);
  });

  it('leaves nothing behind: the same data can be served at once', async () => {
    const anyPort = { host: '127.0.0.1', port: 0 };
    const options = { data: directory, opamp: anyPort, api: anyPort, ops: anyPort, version: '0' } as const;
    const quiet = { ...options, logLevel: 'silent', onFatal: () => {} };
    const port = Number(taken.split(':')[1]);
    await expect(startServer({ ...quiet, opamp: { ...anyPort, port } })).rejects.toThrow(SettingError);
    await using server = await startServer(quiet);
    expect((await fetch(`http://${server.addresses.ops}/readyz`)).status).toBe(200);
  });
});
