/** Readers of the event stream that are slow, behind, or from another past. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Journal } from '../src/events/journal.ts';
import { toApiError } from '../src/http/api-error.ts';
import { streamEvents } from '../src/http/event-stream.ts';
import { SERVER_LIMITS } from '../src/limits.ts';
import { openSqliteStore } from '../src/storage/sqlite-store.ts';
import type { Store } from '../src/storage/store.ts';
import { until } from './lab.ts';

const STALL = 300;
let directory: string;
let store: Store;
let journal: Journal;
let server: Server;
let open = 0;
let refusal: unknown;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flaghoist-events-'));
  store = await openSqliteStore({ directory });
  journal = new Journal(store, { firstEvent: 1, lastEvent: 0 }, Date.now);
  open = 0;
  refusal = undefined;
  server = createServer(async (request, response) => {
    const after = new URL(request.url ?? '', 'http://x').searchParams.get('after');
    open += 1;
    await streamEvents({ journal }, after === null ? undefined : Number(after), response, STALL).catch(
      (error: unknown) => {
        refusal = toApiError(error);
        response.end();
      },
    );
    open -= 1;
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await store[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

const port = (): number => (server.address() as AddressInfo).port;

async function happen(count: number, text = ''): Promise<void> {
  for (let each = 0; each < count; each += 1) journal.record('agents.changed', 'fleet', { text });
  const changes = journal.take();
  await store.commit(changes);
  journal.publish(changes);
}

async function pausedReader(after: number): Promise<Socket> {
  const socket = connect(port(), '127.0.0.1');
  socket.on('error', () => {});
  socket.write(`GET /?after=${after} HTTP/1.1\r\nHost: x\r\n\r\n`);
  await once(socket, 'readable');
  return socket;
}

const idsIn = (text: string): number[] => [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));

describe('a reader that stops reading', () => {
  it.each([
    ['of what was before', 0, 100],
    ['of what happens now', 100, 0],
  ])('%s is cut off, and others hear everything meanwhile', async (_, after, before) => {
    await happen(100, 'x'.repeat(1_000 * before));
    const sockets = await Promise.all(Array.from({ length: 5 }, () => pausedReader(after)));
    let heard = '';
    const other = await new Promise<IncomingMessage>((resolve) => get({ port: port(), host: '127.0.0.1' }, resolve));
    other.on('data', (data) => {
      heard += data;
    });
    other.on('error', () => {});
    expect(open).toBe(6);
    for (let step = 0; step < 100; step += 1) await happen(1, 'x'.repeat(100_000));
    await until(
      () => open,
      (streams) => streams === 1,
    );
    await until(
      () => idsIn(heard).length,
      (count) => count === 101,
    );
    expect(idsIn(heard)).toEqual(Array.from({ length: 101 }, (_, index) => 100 + index));
    for (const socket of sockets) socket.destroy();
    other.destroy();
  });

  it('is served on when it only pauses for less', async () => {
    const socket = await pausedReader(0);
    await happen(200, 'x'.repeat(100_000));
    await new Promise((resolve) => setTimeout(resolve, STALL / 3));
    let heard = '';
    socket.on('data', (data) => {
      heard += data;
    });
    await until(
      () => idsIn(heard).length,
      (count) => count === 200,
    );
    expect(open).toBe(1);
    socket.destroy();
  });
});

it('events come in order from the store, then from memory, whatever happens meanwhile', async () => {
  await happen(SERVER_LIMITS.eventsRecent.entries + 500);
  const stop = new AbortController();
  const seen: number[] = [];
  for await (const { seq } of journal.follow(0, stop.signal)) {
    seen.push(seq);
    if (seq % 1_000 === 0) await happen(1);
    if (seen.length === SERVER_LIMITS.eventsRecent.entries + 510) stop.abort();
  }
  expect(seen).toEqual(Array.from({ length: SERVER_LIMITS.eventsRecent.entries + 510 }, (_, index) => index + 1));
});

it.each([
  ['before what is kept', 3],
  ['after the last event: of another data directory, or a restored backup', 11],
])('a number %s is gone', async (_, after) => {
  await happen(10);
  journal = new Journal(store, { firstEvent: 5, lastEvent: 10 }, Date.now);
  await fetch(`http://127.0.0.1:${port()}/?after=${after}`);
  expect(refusal).toMatchObject({
    code: 'gone',
    status: 410,
    detail: expect.stringContaining('read /fleet'),
  });
});
