import { createConnection } from 'node:net';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { connectWebSocket } from '../../test/client.ts';
import { listen, raw, type TestListener, until } from '../../test/listener.ts';
import { decodeServerToAgent, frame, ServerErrorResponseType, unframe } from '../index.ts';
import type { AgentConnection } from './index.ts';

const V1 = new Uint8Array(Buffer.from('0a10018f3a2b4c5d7e6f8091a2b3c4d5e6f72001', 'hex'));
const UID = '018f3a2b4c5d7e6f8091a2b3c4d5e6f7';
const MiB = 1024 * 1024;
const { ServerErrorResponseType_BadRequest } = ServerErrorResponseType;

/** A client that can do what no OpAMP client would. */
async function open(server: TestListener, options: { autoPong?: boolean } = {}) {
  const socket = new WebSocket(server.ws, { perMessageDeflate: false, ...options });
  const received: Uint8Array[] = [];
  const close: { code?: number } = {};
  socket.on('message', (data: Buffer, isBinary) => {
    expect(isBinary).toBe(true);
    received.push(new Uint8Array(data));
  });
  socket.on('close', (code) => {
    close.code = code;
  });
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.on('open', resolve));
  return { socket, received, close };
}

/** One that has sent a message, and the server's end of it. */
async function speaking(server: TestListener) {
  const client = await open(server);
  const before = server.messages.length;
  client.socket.send(frame(V1));
  await until(() => server.messages.length > before);
  const { connection } = server.messages[before] as TestListener['messages'][number];
  await until(() => client.received.length === 1);
  return { ...client, connection };
}

function badRequest(message: Uint8Array | undefined) {
  const reply = decodeServerToAgent(unframe(message ?? new Uint8Array()));
  expect(reply.errorResponse?.type).toBe(ServerErrorResponseType_BadRequest);
  expect(reply.errorResponse?.errorMessage).not.toBe('');
  expect([reply.capabilities, reply.flags]).toEqual([0n, 0n]);
  return Buffer.from(reply.instanceUid).toString('hex');
}

const upgrade = (headers = '') =>
  `GET /v1/opamp HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${headers}\r\n`;

describe('messages', () => {
  test('R8: thousands of answers in one go are no sign of a slow reader', async () => {
    const server = await listen();
    const { connection, received, close } = await speaking(server);
    const answer = frame(V1).subarray(1);
    const sent = Array.from({ length: 8_000 }, () => connection.send([answer]));
    expect(sent.every(Boolean)).toBe(true);
    await until(() => received.length === 8_001);
    expect(close.code).toBeUndefined();
  });

  test('S-001, S-010, S-011: binary both ways, with the header', async () => {
    const server = await listen();
    const { socket, received } = await open(server);
    socket.send(frame(V1));
    await until(() => received.length === 1);
    expect(received[0]).toEqual(frame(V1));
    const other = await speaking(server);
    const { link } = server.messages[0]?.connection ?? {};
    expect(link).toEqual({ id: expect.any(String), transport: 'websocket' });
    expect(other.connection.link).not.toEqual(link);
  });

  test('S-012, S-013, S-014, S-015, S-272: headers good and bad, on one connection', async () => {
    const server = await listen({}, { message: () => undefined });
    const { socket, received, close } = await open(server);
    socket.send(Uint8Array.of(1, ...V1));
    socket.send(V1);
    socket.send(new Uint8Array(10).fill(0x80));
    socket.send(new Uint8Array());
    socket.send(Uint8Array.of(0x80, 0x80, 0, ...V1));
    socket.send(Uint8Array.of(0));
    await until(() => server.messages.length === 2);
    await until(() => received.length === 4);
    expect(received.map(badRequest)).toEqual(['', UID, '', '']);
    expect(server.messages.map(({ payload }) => payload)).toEqual([V1, new Uint8Array()]);
    expect(close.code).toBeUndefined();
  });

  test('A11: a text frame is answered BAD_REQUEST, the third one also with 1003', async () => {
    const server = await listen();
    const { socket, received, close } = await open(server);
    socket.send('hello');
    await until(() => received.length === 1);
    badRequest(received[0]);
    expect(close.code).toBeUndefined();
    socket.send('hello');
    socket.send('hello');
    await until(() => close.code !== undefined);
    expect(close.code).toBe(1003);
    expect(server.messages).toEqual([]);
  });

  test('S-016, S-017: the server speaks when it wants to', async () => {
    const server = await listen();
    const { received, connection } = await speaking(server);
    connection.send([V1]);
    await until(() => received.length === 2);
  });

  test('a shared buffer goes as its own fragment, unharmed, and arrives as one message', async () => {
    const shared = new Uint8Array(100_000).fill(7);
    const server = await listen({}, { message: (connection) => expect(connection.send([V1, shared])).toBe(true) });
    const clients = await Promise.all(Array.from({ length: 5 }, () => open(server)));
    for (const { socket } of clients) socket.send(frame(V1));
    await until(() => clients.every(({ received }) => received.length === 1));
    for (const { received } of clients) expect(received[0]).toEqual(Uint8Array.of(0, ...V1, ...shared));
    expect(shared.every((byte) => byte === 7)).toBe(true);
  });
});

describe('sizes', () => {
  test('S-018, S-019, S-020, S-025: exactly the limit passes, one byte more is closed with 1009', async () => {
    const server = await listen({ receiveBytes: MiB }, { message: () => undefined });
    const { socket, close } = await open(server);
    socket.send(new Uint8Array(MiB));
    await until(() => server.messages.length === 1);
    socket.send(new Uint8Array(MiB + 1));
    await until(() => close.code !== undefined);
    expect(close.code).toBe(1009);
    expect(server.messages).toHaveLength(1);
    await until(() => server.closed.length === 1);
  });

  test('S-018: compression is not negotiated, so nothing inflates', async () => {
    const server = await listen();
    const socket = new WebSocket(server.ws);
    await new Promise((resolve) => socket.on('open', resolve));
    expect(socket.extensions).toBe('');
    socket.terminate();
  });

  test('S-021, S-022, S-023: what is over the limit is not sent, and said so; the connection stays', async () => {
    const server = await listen({ sendBytes: 1024 });
    const { received, connection } = await speaking(server);
    expect(connection.send([new Uint8Array(1024)])).toBe(false);
    expect(connection.send([new Uint8Array(1023)])).toBe(true);
    await until(() => received.length === 2);
  });

  test('R14: 3.9 MiB in frames of 4,096 bytes pass, as opamp-go sends them', async () => {
    const server = await listen({}, { message: () => undefined });
    const { socket } = await open(server);
    const frames = 998;
    for (let i = 0; i < frames; i++) socket.send(new Uint8Array(4096), { fin: i === frames - 1, binary: true });
    await until(() => server.messages.length === 1, 10_000);
    expect(server.messages[0]?.payload).toHaveLength(frames * 4096 - 1);
  });

  test('R14: tiny fragments without end are closed with 1008', async () => {
    const server = await listen();
    const { socket, close } = await open(server);
    for (let i = 0; i < 1300; i++) socket.send(Uint8Array.of(0), { fin: false, binary: true });
    await until(() => close.code !== undefined);
    expect(close.code).toBe(1008);
  });

  test('R13: the budget for unfinished messages is shared, and given back', async () => {
    const server = await listen({ unfinishedBytes: 10_000 }, { message: () => undefined });
    const holder = await open(server);
    holder.socket.send(new Uint8Array(9_000), { fin: false });
    const late = await open(server);
    late.socket.send(new Uint8Array(5_000), { fin: false });
    await until(() => late.close.code !== undefined);
    expect(late.close.code).toBe(1013);
    holder.socket.terminate();
    await until(() => server.closed.length === 2);
    const next = await open(server);
    for (let i = 0; i < 5; i++) next.socket.send(new Uint8Array(9_000));
    await until(() => server.messages.length === 5);
  });
});

describe('admission', () => {
  test.each([401, 403, 429, 503] as const)('S-266, S-267: %i instead of the upgrade', async (status) => {
    const server = await listen({}, { admit: () => ({ status, headers: { 'Retry-After': '45' } }) });
    const said = await raw(server.port, upgrade());
    expect(said).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(said).toContain('\r\nRetry-After: 45\r\n');
  });

  test('X15, S-003: an Origin is 403, another path 404', async () => {
    const server = await listen();
    expect(await raw(server.port, upgrade('Origin: https://example.com\r\n'))).toMatch(/^HTTP\/1.1 403/);
    expect(await raw(server.port, upgrade().replace('/v1/opamp', '/other'))).toMatch(/^HTTP\/1.1 404/);
  });

  const post = `POST /v1/opamp HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 1\r\n\r\nx`;
  test.each([
    ['is refused', upgrade().replace('/v1/opamp', '/other')],
    ['is good', upgrade()],
    ['follows two', post + upgrade()],
  ])(
    'an upgrade that %s while a request before it waits for its answer ends that connection alone',
    async (_, follows) => {
      let first = true;
      const answer = ({ send }: AgentConnection, payload: Uint8Array) => {
        if (first) send([payload]);
        first = false;
      };
      const server = await listen({}, { message: follows.startsWith('POST') ? answer : () => undefined });
      expect(await raw(server.port, post + follows)).not.toContain('101 Switching Protocols');
      await until(() => server.closed.length === server.messages.length);
      expect(await raw(server.port, upgrade('Origin: https://example.com\r\n'))).toMatch(/^HTTP\/1.1 403/);
    },
  );

  test('an upgrade on a connection whose requests have their answers is served', async () => {
    const server = await listen();
    const socket = createConnection(server.port, '127.0.0.1');
    const said: Buffer[] = [];
    socket.on('data', (chunk) => said.push(chunk));
    socket.write(post);
    await until(() => String(Buffer.concat(said)).startsWith('HTTP/1.1 200'));
    socket.write(upgrade());
    await until(() => String(Buffer.concat(said)).includes('101 Switching Protocols'));
    socket.destroy();
  });

  test('who has gone before it is refused does no harm', async () => {
    const refused: boolean[] = [];
    const admit = async () => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      refused.push(true);
      return { status: 503 };
    };
    const server = await listen({}, { admit });
    await raw(server.port, upgrade(), 20);
    await until(() => refused.length === 1);
    expect(await raw(server.port, upgrade())).toMatch(/^HTTP\/1.1 503/);
  });

  test('R17: too many connections that say nothing keep newcomers out until one speaks', async () => {
    const server = await listen({ connections: 10, silentShare: 0.2 });
    const first = await open(server);
    await open(server);
    expect(await raw(server.port, upgrade())).toMatch(/^HTTP\/1.1 503/);
    first.socket.send(frame(V1));
    await until(() => first.received.length === 1);
    await open(server);
    first.socket.terminate();
    await until(() => server.closed.length === 1);
    expect(await raw(server.port, upgrade())).toMatch(/^HTTP\/1.1 503/);
  });

  test.each([
    ['2,500 headers', 'a:b\r\n'.repeat(2_500)],
    ['more headers than may be', 'a:b\r\n'.repeat(5_000)],
    ['a broken protocol list', 'Sec-WebSocket-Protocol: ,,;=\r\n'],
    ['a broken extension list', 'Sec-WebSocket-Extensions: permessage-deflate; =;;\r\n'],
    ['a version of another world', 'Sec-WebSocket-Version: -1e9\r\n'],
    ['a second key', 'Sec-WebSocket-Key: x\r\n'],
  ])('%s: answered, and the server lives', async (_name, headers) => {
    const server = await listen();
    expect(await raw(server.port, upgrade(headers), 200)).toMatch(/^HTTP\/1.1 (101|400|431)/);
    const { socket, received } = await open(server);
    socket.send(frame(V1));
    await until(() => received.length === 1);
  });
});

describe('time', () => {
  test('R17: who says nothing after the upgrade is closed', async () => {
    const server = await listen({ firstMessageMs: 100 });
    const silent = await open(server);
    const speaks = await open(server);
    speaks.socket.send(frame(V1));
    await until(() => silent.close.code !== undefined);
    expect(silent.close.code).toBe(1008);
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(speaks.close.code).toBeUndefined();
  });

  test('R8: half open is found out by pings; a pong that is one period late is not', async () => {
    const server = await listen({ pingMs: 200 });
    const dead = await open(server, { autoPong: false });
    const late = await open(server, { autoPong: false });
    late.socket.on('ping', () => setTimeout(() => late.socket.pong(), 150));
    const lives = await open(server);
    await until(() => server.closed.length === 1, 2_000);
    await until(() => dead.close.code !== undefined);
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect([dead, late, lives].map(({ close }) => close.code)).toEqual([1006, undefined, undefined]);
  });

  test('R8: who stops reading is cut off with a bounded buffer', async () => {
    const config = new Uint8Array(1_000_000);
    const server = await listen();
    const { socket, connection } = await speaking(server);
    socket.pause();
    let most = 0;
    for (let i = 0; i < 100 && connection.send([V1, config]); i++) {
      most = Math.max(most, connection.bufferedAmount);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(most).toBeLessThanOrEqual(config.length + 64 * 1024 + V1.length + 100);
    await until(() => server.closed.length === 1);
    expect(connection.send([V1])).toBe(false);
  });

  test('R8: a small answer behind a configuration is not a slow reader', async () => {
    const server = await listen();
    const { received, connection } = await speaking(server);
    expect(connection.send([V1, new Uint8Array(3_000_000)])).toBe(true);
    for (let i = 0; i < 20; i++) expect(connection.send([V1])).toBe(true);
    await until(() => received.length === 22);
  });
});

describe('the end', () => {
  test('S-255: a client that closes is closed, once', async () => {
    const server = await listen();
    const codes: number[] = [];
    const client = await connectWebSocket(server.ws, {
      message: () => undefined,
      closed: (code) => codes.push(code),
    });
    client.send(V1);
    client.close();
    await until(() => server.closed.length === 1 && codes.length === 1);
    expect(codes).toEqual([1000]);
  });

  test('S-254, R10: shutting down closes all with 1001, evenly over the time, in no order of theirs', async () => {
    const server = await listen();
    const order: number[] = [];
    const times: number[] = [];
    const codes: (number | undefined)[] = [];
    for (let i = 0; i < 30; i++) {
      const { socket } = await open(server);
      socket.on('close', (code) => {
        order.push(i);
        codes.push(code);
        times.push(performance.now());
      });
    }
    const started = performance.now();
    await server.listener.close({ drainMs: 600 });
    await until(() => order.length === 30);
    expect(new Set(codes)).toEqual(new Set([1001]));
    expect(order).not.toEqual([...order].sort((a, b) => a - b));
    for (let third = 0; third < 3; third++) {
      const closes = times.filter((time) => Math.floor((time - started) / 200) === third).length;
      expect(closes).toBeLessThanOrEqual(13);
    }
  });

  test('shutting down does not wait for who does not answer the Close frame', async () => {
    const server = await listen({ closeMs: 100 });
    const { socket } = await open(server);
    socket.pause();
    const started = performance.now();
    await server.listener.close();
    expect(performance.now() - started).toBeLessThan(1_500);
  });

  test('while draining no upgrade is taken', async () => {
    const server = await listen();
    await open(server);
    await open(server);
    const closing = server.listener.close({ drainMs: 300 });
    await expect(connectWebSocket(server.ws, { message: () => undefined })).rejects.toThrow();
    await closing;
  });
});
