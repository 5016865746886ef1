import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, expectTypeOf, test } from 'vitest';
import { allItems, createClient } from './client.ts';
import { ApiError, problemDocument } from './errors.ts';
import type { Agent, Handlers, InputOf } from './types.ts';

type Fetch = typeof fetch;

function clientOf(answer: (url: string, init: RequestInit) => Response | Promise<Response>, timeout?: number) {
  const doFetch: Fetch = async (input, init) => answer(String(input), init ?? {});
  return createClient({ baseUrl: 'http://fleet:4321/', fetch: doFetch, timeout });
}

test('parameters go into the path, the rest into query, headers and body; what is undefined is not sent', async () => {
  const seen: { url: string; init: RequestInit }[] = [];
  const client = clientOf((url, init) => {
    seen.push({ url, init });
    return Response.json({ items: [] });
  });
  await client.listAgents({ selector: 'a in (b,c)', limit: 5 });
  await client.putGroup({ name: 'edge', ifMatch: 'v7', body: { selector: '', configuration: 'edge' } });
  await client.restartAgent({ id: 'a b/c', author: 'ada' });
  await client.listAgents({ selector: undefined, cursor: undefined });
  expect(seen.map(({ url, init }) => `${init.method} ${url}`)).toEqual([
    'GET http://fleet:4321/api/v1/agents?selector=a+in+%28b%2Cc%29&limit=5',
    'PUT http://fleet:4321/api/v1/groups/edge',
    'POST http://fleet:4321/api/v1/agents/a%20b%2Fc:restart?author=ada',
    'GET http://fleet:4321/api/v1/agents',
  ]);
  expect(seen[1]?.init).toMatchObject({
    body: '{"selector":"","configuration":"edge"}',
    headers: { 'If-Match': '"v7"', 'Content-Type': 'application/json' },
  });
});

test('a problem of the server becomes an ApiError with all it says', async () => {
  const told = new ApiError('invalid-config', 'duplicate key', [{ message: 'twice', line: 4, column: 1 }]);
  const client = clientOf(() => Response.json(problemDocument(told), { status: 422 }));
  await expect(client.getFleet()).rejects.toMatchObject({
    name: 'ApiError',
    status: 422,
    code: 'invalid-config',
    detail: 'duplicate key',
    problems: [{ line: 4 }],
  });
});

test('a code of a newer server becomes the general one of its status', async () => {
  const body = { code: 'sunspots', detail: 'wait', status: 503 };
  await expect(clientOf(() => Response.json(body, { status: 503 })).getFleet()).rejects.toMatchObject({
    code: 'unavailable',
  });
  await expect(clientOf(() => Response.json(body, { status: 418 })).getFleet()).rejects.toMatchObject({
    code: 'invalid',
  });
});

test.each([
  ['a web page', () => new Response('<html>', { status: 200 })],
  ['the error page of a proxy', () => new Response('Bad Gateway', { status: 502 })],
  ['JSON of somebody else', () => Response.json({ error: 'x' }, { status: 404 })],
])('%s is not-the-api', async (_, answer) => {
  await expect(clientOf(answer).getFleet()).rejects.toMatchObject({ code: 'not-the-api' });
});

test('no answer is unreachable, with a sentence; none in time is timeout; an aborted call rejects with its reason', async () => {
  const broken = clientOf(() => Promise.reject(new TypeError('fetch failed')));
  await expect(broken.getFleet()).rejects.toMatchObject({
    code: 'unreachable',
    status: 0,
    message: 'no server answers at http://fleet:4321/: is it running, and is this its address?',
  });
  const waiting = (_: string, { signal }: RequestInit) =>
    new Promise<Response>((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
  await expect(clientOf(waiting, 20).getFleet()).rejects.toMatchObject({ code: 'timeout' });
  const controller = new AbortController();
  const call = clientOf(waiting).getFleet({}, { signal: controller.signal });
  controller.abort(new Error('enough'));
  await expect(call).rejects.toThrow('enough');
});

test.each([
  ['does not end in time', 'timeout', () => undefined],
  ['breaks off', 'unreachable', (response: ServerResponse) => setTimeout(() => response.destroy(), 20)],
])('an answer that %s is %s as well', async (_, code, goOn) => {
  const server = createServer((_request, response) => {
    response.writeHead(200).write('{');
    goOn(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = createClient({ baseUrl: `http://127.0.0.1:${port}`, timeout: 500 });
  await expect(client.getFleet()).rejects.toMatchObject({ name: 'ApiError', code });
  server.close();
});

test('204 answers with nothing', async () => {
  const client = clientOf(() => new Response(null, { status: 204 }));
  await expect(client.deleteAgent({ id: 'a' })).resolves.toBeUndefined();
});

test('allItems reads page after page', async () => {
  const pages = [[1, 2], [3], []];
  const asked: (string | undefined)[] = [];
  const all = await allItems(async (cursor) => {
    asked.push(cursor);
    const index = Number(cursor ?? 0);
    return { items: pages[index] ?? [], nextCursor: index < 2 ? String(index + 1) : null };
  });
  expect([all, asked]).toEqual([
    [1, 2, 3],
    [undefined, '1', '2'],
  ]);
});

test('handlers are typed by the contract: input with defaults, answers readonly', () => {
  expectTypeOf<InputOf<'listAgents'>['limit']>().toEqualTypeOf<number>();
  expectTypeOf<InputOf<'createRevision'>['body']['message']>().toEqualTypeOf<string>();
  expectTypeOf<Agent['capabilities']>().toEqualTypeOf<readonly string[]>();
  expectTypeOf<Agent['lastSeen']>().toEqualTypeOf<string | null>();
  expectTypeOf<Awaited<ReturnType<Handlers['getAgent']>>['firstSeen']>().toEqualTypeOf<number>();
});

test('the root entry needs neither Node nor a schema library', () => {
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    const text = readFileSync(new URL(file, import.meta.url), 'utf8');
    for (const [, statement = '', from = ''] of text.matchAll(/^(?:import|export)([^;]*?)from '([^']+)';/gm)) {
      if (/^\s+type\s/.test(statement)) continue;
      expect(from, file).toMatch(/^\.\//);
      visit(from);
    }
  };
  visit('./index.ts');
  expect(seen.size).toBeLessThan(readdirSync(import.meta.dirname).length);
  expect(seen).toContain('./client.ts');
});
