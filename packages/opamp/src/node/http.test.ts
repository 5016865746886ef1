import { request } from 'node:http';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { httpExchange } from '../../test/client.ts';
import { listen, raw, until } from '../../test/listener.ts';
import { decodeServerToAgent, encodeReply, type InstanceUid } from '../index.ts';
import { acceptsGzip } from './http-exchange.ts';

const V1 = new Uint8Array(Buffer.from('0a10018f3a2b4c5d7e6f8091a2b3c4d5e6f72001', 'hex'));
const UID = '018f3a2b4c5d7e6f8091a2b3c4d5e6f7' as InstanceUid;
const MiB = 1024 * 1024;

/** A POST without any of fetch's own ideas about encodings. */
function post(url: string, body: Uint8Array | undefined, headers: Record<string, string> = {}, method = 'POST') {
  return new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; body: Buffer }>((resolve, reject) => {
    const made = request(url, {
      method,
      headers: { 'content-type': 'application/x-protobuf', ...headers },
    });
    made.on('error', reject);
    made.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks),
        }),
      );
    });
    made.end(body);
  });
}

describe('one exchange', () => {
  test('S-001, S-002, S-027, S-028, S-029, S-032: a POST is a message, its response the answer', async () => {
    const server = await listen(
      {},
      {
        message: (connection) => {
          expect(connection.send(encodeReply({ uid: UID }))).toBe(true);
          expect(connection.send([])).toBe(false);
        },
      },
    );
    const { status, payload } = await httpExchange(server.http, V1);
    expect(status).toBe(200);
    expect(decodeServerToAgent(payload).capabilities).toBe(7n);
    const [{ connection, payload: received } = {}] = server.messages;
    expect(received).toEqual(V1);
    expect(connection).toMatchObject({
      link: { id: expect.any(String), transport: 'http' },
      uidHeader: UID,
    });
    await until(() => server.closed.length === 1);
  });

  test('S-009, S-035: many exchanges over one kept connection', async () => {
    const server = await listen();
    for (let i = 0; i < 20; i++)
      expect((await httpExchange(server.http, Uint8Array.of(i))).payload).toEqual(Uint8Array.of(i));
    expect(new Set(server.messages.map(({ connection }) => connection)).size).toBe(20);
    expect(new Set(server.messages.map(({ connection }) => connection.link.id)).size).toBe(1);
  });

  test('S-032: without the header, or with a wrong one, all is well', async () => {
    const server = await listen();
    expect((await post(server.http, V1, { 'opamp-instance-uid': 'nonsense' })).status).toBe(200);
    expect(server.messages[0]?.connection.uidHeader).toBeUndefined();
  });

  test('S-030: gzip and plain have the same effect; broken gzip is refused', async () => {
    const server = await listen();
    expect((await httpExchange(server.http, V1, { gzip: true })).payload).toEqual(V1);
    expect((await post(server.http, V1, { 'content-encoding': 'gzip' })).status).toBe(400);
    const cut = gzipSync(V1).subarray(0, 12);
    expect((await post(server.http, cut, { 'content-encoding': 'gzip' })).status).toBe(400);
    expect(server.messages).toHaveLength(1);
  });

  test.each([
    ['gzip', true],
    ['deflate, GZIP;q=0.5', true],
    ['gzip;q=1.0, *;q=0', true],
    ['*', false],
    ['gzip;q=0', false],
    ['gzip; q=0.0, *', false],
    ['br', false],
    ['', false],
    [undefined, false],
  ])('S-031: Accept-Encoding %s', async (header, expected) => {
    expect(acceptsGzip(header)).toBe(expected);
    const server = await listen();
    const message = new Uint8Array(1024).fill(7);
    const answer = await post(server.http, message, header === undefined ? {} : { 'accept-encoding': header });
    expect(answer.headers['content-encoding']).toBe(expected ? 'gzip' : undefined);
    expect(answer.headers['content-type']).toBe('application/x-protobuf');
    expect(new Uint8Array(expected ? gunzipSync(answer.body) : answer.body)).toEqual(message);
  });

  test('an answer to a heartbeat is not worth compressing', async () => {
    const server = await listen();
    const answer = await post(server.http, V1, { 'accept-encoding': 'gzip' });
    expect(answer.headers['content-encoding']).toBeUndefined();
    expect(new Uint8Array(answer.body)).toEqual(V1);
  });
});

describe('sizes (R13, R15)', () => {
  const limits = { receiveBytes: MiB, sendBytes: 1024 };

  test('S-038, S-039: exactly the limit passes, one byte more is 413, declared or not', async () => {
    const server = await listen({ ...limits, sendBytes: MiB });
    expect((await post(server.http, new Uint8Array(MiB))).status).toBe(200);
    expect((await post(server.http, new Uint8Array(MiB + 1))).status).toBe(413);
    expect((await post(server.http, new Uint8Array(MiB + 1), { 'transfer-encoding': 'chunked' })).status).toBe(413);
    expect(server.messages).toHaveLength(1);
  });

  test('4 GiB declared are refused by the declaration', async () => {
    const server = await listen(limits);
    const head = `POST /v1/opamp HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: ${2 ** 32}\r\n\r\n`;
    expect(await raw(server.port, head, 300)).toMatch(/^HTTP\/1.1 413/);
  });

  test.each([
    ['one member', gzipSync(new Uint8Array(64 * MiB))],
    ['many members', Buffer.concat(Array.from({ length: 64 }, () => gzipSync(new Uint8Array(MiB / 2))))],
  ])('S-038: a gzip bomb of %s is cut off while it inflates', async (_name, bomb) => {
    const server = await listen(limits);
    const before = process.memoryUsage().rss;
    expect((await post(server.http, bomb, { 'content-encoding': 'gzip' })).status).toBe(413);
    expect(process.memoryUsage().rss - before).toBeLessThan(32 * MiB);
    expect(server.messages).toEqual([]);
  });

  test.each(['gzip, gzip', 'gzip,identity', 'deflate', 'br', 'zstd'])(
    'A10: Content-Encoding %s is 415',
    async (encoding) => {
      const server = await listen();
      expect((await post(server.http, gzipSync(V1), { 'content-encoding': encoding })).status).toBe(415);
    },
  );

  test('S-040, S-041, S-042: a response over the limit is not sent, and said so', async () => {
    const sent: boolean[] = [];
    const server = await listen(limits, {
      message: (connection) => sent.push(connection.send([new Uint8Array(1025)])),
    });
    const answer = await post(server.http, V1);
    expect([answer.status, answer.body.length, sent]).toEqual([500, 0, [false]]);
  });

  test('the budget for unfinished messages is shared: who comes too late is told to come again', async () => {
    const server = await listen({ ...limits, unfinishedBytes: 1000 });
    expect((await post(server.http, new Uint8Array(1001))).status).toBe(503);
    expect((await post(server.http, new Uint8Array(900))).status).toBe(200);
    expect((await post(server.http, new Uint8Array(900))).status).toBe(200);
  });
});

describe('what is no OpAMP', () => {
  test('S-005, A10: content type 415, other methods 405, GET 426, other paths 404', async () => {
    const server = await listen();
    expect((await post(server.http, V1, { 'content-type': 'application/json' })).status).toBe(415);
    expect((await post(server.http, V1, { 'content-type': 'Application/X-Protobuf; charset=x' })).status).toBe(200);
    expect(await post(server.http, V1, {}, 'PUT')).toMatchObject({
      status: 405,
      headers: { allow: 'GET, POST' },
    });
    expect(await post(server.http, undefined, {}, 'GET')).toMatchObject({
      status: 426,
      headers: { upgrade: 'websocket' },
    });
    expect((await post(server.http.replace('v1', 'v2'), V1)).status).toBe(404);
    expect((await post(`${server.http}?x=1`, V1)).status).toBe(200);
  });

  test('X15: a request with an Origin is refused', async () => {
    const server = await listen();
    expect((await post(server.http, V1, { origin: 'https://example.com' })).status).toBe(403);
    expect(server.messages).toEqual([]);
  });

  test.each([401, 403, 429, 503] as const)('S-266, S-267: not admitted, %i, before any body', async (status) => {
    const server = await listen({}, { admit: () => ({ status, headers: { 'Retry-After': '32' } }) });
    const head = 'POST /v1/opamp HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n';
    const said = await raw(server.port, head, 200);
    expect(said).toMatch(new RegExp(`^HTTP/1.1 ${status}`));
    expect(said).toContain('Retry-After: 32');
  });

  test('an admission that fails is 503, and the next one works', async () => {
    let calls = 0;
    const server = await listen(
      {},
      {
        admit: async () => {
          calls += 1;
          if (calls === 1) throw new Error('no store');
          return undefined;
        },
      },
    );
    expect((await post(server.http, V1)).status).toBe(503);
    expect((await post(server.http, V1)).status).toBe(200);
  });

  test('an h2c upgrade on a POST is ignored', async () => {
    const server = await listen();
    const head = 'POST /v1/opamp HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n';
    const upgrade = 'Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n';
    expect(await raw(server.port, `${head}${upgrade}Content-Length: 1\r\n\r\nx`, 500)).toMatch(/^HTTP\/1.1 200/);
  });
});

describe('slow requests (R17)', () => {
  const limits = { headersMs: 200, requestMs: 400 };

  test('headers that do not come are given up', async () => {
    const server = await listen(limits);
    const started = performance.now();
    expect(await raw(server.port, 'POST /v1/opamp HTTP/1.1\r\nHost: x\r\n')).toMatch(/^HTTP\/1.1 408/);
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  test('a body that does not come is given up', async () => {
    const server = await listen(limits);
    const head =
      'POST /v1/opamp HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 9\r\n\r\n';
    const started = performance.now();
    await raw(server.port, `${head}abc`);
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(server.messages).toEqual([]);
  });

  test('garbage and headers without end are answered, not fatal', async () => {
    const server = await listen();
    expect(await raw(server.port, '\x16\x03\x01\x00\xa5\r\n\r\n')).toMatch(/^HTTP\/1.1 400/);
    expect(await raw(server.port, `GET / HTTP/1.1\r\n${'x: y\r\n'.repeat(9_000)}`)).toMatch(/^HTTP\/1.1 431/);
    expect((await post(server.http, V1)).status).toBe(200);
  });
});
