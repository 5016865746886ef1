/** What only an attacker sends, to the real program: the right refusal each, while others notice nothing (R12 to R19, C.4). */
import { createConnection } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { contract } from '@flaghoist/api/contract';
import { encodeAgentToServer, frame, newUuidV7, uidToBytes } from '@flaghoist/opamp';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { ask, PROBED } from './faults/probe-channel.ts';
import { applying, edge, LabAgent, offered, story, until } from './lab.ts';
import { Program } from './program.ts';

const MiB = 1024 * 1024;
/** Of CPU, in one callback, ms. */
const LONGEST = 50;
/** A busy machine makes a callback dearer now and then; one that is too long is so each time. */
const AGAIN = { retry: 2 };

let server: Program;
let beside: LabAgent;
beforeAll(async () => {
  server = await Program.create(PROBED);
  await server.start();
  await server.client.putConfiguration({ name: 'edge', body: {} });
  await server.client.putGroup({
    name: 'edge',
    body: { selector: 'role=edge', configuration: 'edge', strategy: 'all-at-once' },
  });
  beside = await new LabAgent({ server }, edge).connect();
  await until(
    () => server.client.getGroup({ name: 'edge' }),
    ({ agents }) => agents === 1,
  );
  await ask(server);
}, 60_000);
afterAll(async () => {
  beside.drop();
  await server[Symbol.asyncDispose]();
});
afterEach(async () => {
  const before = beside.received.length;
  beside.send(beside.report());
  await until(
    () => beside.received.length,
    (count) => count > before,
  );
  const { longest, polluted } = await ask(server);
  expect(longest.ms, `CPU of a callback for ${longest.type}`).toBeLessThan(LONGEST);
  expect(polluted).toEqual([]);
});

const uid = uidToBytes(newUuidV7(1, new Uint8Array(10)));
const varint = (value: number): number[] => (value > 127 ? [(value & 127) | 128, ...varint(value >>> 7)] : [value]);
const field = (number: number, bytes: Uint8Array) =>
  Buffer.concat([Buffer.from([...varint((number << 3) | 2), ...varint(bytes.length)]), bytes]);
/** Field in field, of these numbers by turns, the first one outermost. */
const nested = (numbers: readonly number[], levels: number): Buffer => {
  let bytes = Buffer.alloc(0);
  for (let level = levels - 1; level >= 0; level -= 1) bytes = field(numbers[level % numbers.length] ?? 0, bytes);
  return bytes;
};

const post = async (body: Uint8Array, headers: Record<string, string> = {}) => {
  const all = { 'Content-Type': 'application/x-protobuf', ...headers };
  const request = { method: 'POST', headers: all, body: new Uint8Array(body) };
  const response = await fetch(`http://${server.addresses.opamp}/v1/opamp`, request);
  return { status: response.status, body: Buffer.from(await response.arrayBuffer()) };
};

/** What is said to these bytes on a new connection to a plane, until it ends or `ms` are over. */
function raw(plane: 'opamp' | 'api' | 'ops', bytes: string, ms = 3_000): Promise<string> {
  const [host = '', port] = server.addresses[plane].split(':');
  return new Promise((resolve) => {
    const socket = createConnection({ host, port: Number(port) }, () => socket.write(bytes));
    let said = '';
    const end = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve(said);
    };
    const timer = setTimeout(end, ms);
    socket.on('data', (chunk) => {
      said += chunk.toString('latin1');
      if (said.includes('\r\n\r\n')) end();
    });
    socket.on('error', () => undefined).on('close', end);
  });
}

async function connected(): Promise<{ socket: WebSocket; closed: Promise<number> }> {
  const socket = new WebSocket(`ws://${server.addresses.opamp}/v1/opamp`, { perMessageDeflate: false });
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.on('open', resolve));
  return { socket, closed };
}

describe('over WebSocket', AGAIN, () => {
  const upgrade = (headers: string) =>
    `GET /v1/opamp HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${headers}\r\n`;

  it('R13: a message of one byte too many closes with 1009', async () => {
    const { socket, closed } = await connected();
    socket.send(Buffer.alloc(4 * MiB + 1));
    expect(await closed).toBe(1009);
  });

  it('R14: 131,000 one-byte fragments without end, on 10 connections: 1008, and no memory', async () => {
    const { rss } = await ask(server);
    const closes = Array.from({ length: 10 }, async () => {
      const { socket, closed } = await connected();
      for (let sent = 0; sent < 131_000 && socket.readyState === WebSocket.OPEN; sent += 1) {
        socket.send(Buffer.from([1]), { fin: false });
        if (sent % 1_000 === 0) await sleep(0);
      }
      return closed;
    });
    // 1006: the connection was reset below what was still being sent.
    for (const code of await Promise.all(closes)) expect([1006, 1008]).toContain(code);
    expect((await ask(server)).rss - rss).toBeLessThan(64 * MiB);
  });

  it('A11: text frames are refused, the third one with 1003', async () => {
    const { socket, closed } = await connected();
    for (let count = 0; count < 3; count += 1) socket.send('{"instance_uid":"x"}');
    expect(await closed).toBe(1003);
  });

  it.each([
    [
      '2,000 headers',
      `${Array.from({ length: 2_000 }, (_, index) => `x${index}: y\r\n`).join('')}`,
      /^HTTP\/1.1 (4|101)/,
    ],
    ['16 KiB of headers', `x: ${'y'.repeat(16 * 1024)}\r\n`, /^HTTP\/1.1 431/],
    ['spaces in Sec-WebSocket-Protocol', `Sec-WebSocket-Protocol: a${' '.repeat(8_000)}b\r\n`, /^HTTP\/1.1 400/],
    [
      'an extension out of a prototype',
      'Sec-WebSocket-Extensions: constructor; __proto__=1\r\n',
      /^HTTP\/1.1 (101|400)/,
    ],
    ['a header out of a prototype', '__proto__: x\r\nconstructor: y\r\n', /^HTTP\/1.1 101/],
    [
      'compression with bad windows',
      'Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99\r\n',
      /^HTTP\/1.1 101/,
    ],
  ])('an upgrade with %s is answered', async (_, headers, answer) => {
    expect(await raw('opamp', upgrade(headers))).toMatch(answer);
  });
});

describe('messages', AGAIN, () => {
  const REFUSED = /not a protobuf/;
  it.each<[string, Buffer]>([
    ['health', field(5, nested([6, 2], 20_000))],
    ['an attribute', field(3, field(1, field(2, nested([5, 1], 20_000))))],
    ['groups', Buffer.alloc(1_000_000, 0x0b)],
    ['components', field(14, field(1, nested([2], 20_000)))],
  ])('R12: %s without bottom is refused', async (_, inside) => {
    const answer = await post(Buffer.concat([field(1, uid), inside]));
    expect([answer.status, answer.body.toString('latin1')]).toEqual([200, expect.stringMatching(REFUSED)]);
  });

  it('R13: 4 MiB of empty attributes are refused, over both transports', async () => {
    const body = Buffer.concat([field(1, uid), field(3, Buffer.alloc(4 * MiB - 100, Buffer.from([0x0a, 0])))]);
    expect((await post(body)).body.toString('latin1')).toMatch(REFUSED);
    const { socket } = await connected();
    const answered = new Promise<Buffer>((resolve) => socket.on('message', resolve));
    socket.send(frame(body));
    expect(String(await answered)).toMatch(REFUSED);
    socket.terminate();
  });

  it('R13: as much as a message may have is taken, in no time and bounded memory', async () => {
    const { rss } = await ask(server);
    const many = Buffer.concat([field(1, uid), field(3, Buffer.alloc(2 * 65_000, Buffer.from([0x0a, 0])))]);
    const long = encodeAgentToServer({
      instanceUid: uid,
      health: { status: 's'.repeat(2 * MiB) },
      remoteConfigStatus: { errorMessage: '\u0001'.repeat(MiB) },
    });
    for (const body of [many, long, many, long]) expect((await post(body)).status).toBe(200);
    expect((await ask(server)).rss - rss).toBeLessThan(128 * MiB);
  });

  it('R18: names out of prototypes are names', async () => {
    const names = ['__proto__', 'constructor', 'prototype', 'hasOwnProperty'];
    const value = { value: { case: 'stringValue' as const, value: 'x' } };
    const file = { body: Buffer.from('a: 1'), contentType: '__proto__' };
    const body = encodeAgentToServer({
      instanceUid: uidToBytes(newUuidV7(2, new Uint8Array(10))),
      capabilities: 0x3fffn,
      agentDescription: { nonIdentifyingAttributes: names.map((key) => ({ key, value })) },
      health: { healthy: true, componentHealthMap: Object.fromEntries(names.map((name) => [name, { healthy: true }])) },
      effectiveConfig: { configMap: { configMap: Object.fromEntries(names.map((name) => [name, file])) } },
      availableComponents: { hash: Buffer.from([1]), components: Object.fromEntries(names.map((name) => [name, {}])) },
    });
    expect((await post(body)).status).toBe(200);
    const found = await server.client.listAgents({ selector: '__proto__=x,constructor=x' });
    expect(found.items.map(({ instanceUid }) => instanceUid)).toHaveLength(1);
  });

  it.each<[string, Buffer, Record<string, string>, number]>([
    ['R15: a gzip bomb', gzipSync(Buffer.alloc(256 * MiB)), { 'Content-Encoding': 'gzip' }, 413],
    ['R15: two encodings', gzipSync(gzipSync(Buffer.alloc(100))), { 'Content-Encoding': 'gzip, gzip' }, 415],
    ['R13: one byte too many', Buffer.alloc(4 * MiB + 1), {}, 413],
    ['another content type', Buffer.from('{}'), { 'Content-Type': 'application/json' }, 415],
    ['a content type with more behind a tab', Buffer.alloc(1), { 'Content-Type': 'application/json\ta' }, 415],
    ['a page of another site (X15)', Buffer.alloc(1), { Origin: 'https://example.com' }, 403],
  ])('%s is refused', async (_, body, headers, status) => {
    const { rss } = await ask(server);
    expect((await post(body, headers)).status).toBe(status);
    expect((await ask(server)).rss - rss).toBeLessThan(64 * MiB);
  });
});

describe('R16: an effective config that is a bomb', AGAIN, () => {
  const alias = [
    'a: &a0 [x,x,x,x,x,x,x,x,x]',
    ...Array.from({ length: 9 }, (_, n) => `b${n}: &a${n + 1} [${Array(9).fill(`*a${n}`)}]`),
  ];
  it.each([
    ['aliases', alias.join('\n')],
    ['merge keys', `a: &a {k: 1}\nb: {<<: [${Array(4_000).fill('*a')}]}`],
    ['40,000 keys', Array.from({ length: 40_000 }, (_, index) => `k${index}: 1`).join('\n')],
    ['depth', `a: ${'['.repeat(200_000)}`],
    ['one long text', `a: "${'\\\\x'.repeat(300_000)}"`],
    ['tags', `a: !!binary ${'A'.repeat(900_000)}\nb: !<tag:yaml.org,2002:js/function> x`],
  ])(
    'of %s is not understood, and says so, while the loop goes on',
    async (name, body) => {
      const labels = { labels: { role: `bomb-${name.replaceAll(/\W/g, '')}` } };
      const { role } = labels.labels;
      await server.client.putConfiguration({ name: role, body: {} });
      await server.client.putGroup({
        name: role,
        body: { selector: `role=${role}`, configuration: role, strategy: 'all-at-once' },
      });
      const agent = await new LabAgent({ server }, { ...labels, outcome: applying }).connect();
      await until(
        () => server.client.getGroup({ name: role }),
        ({ agents }) => agents === 1,
      );
      const revision = { files: { '': { body: story() } }, message: 'test' };
      const { number } = await server.client.createRevision({ name: role, body: revision });
      const request = { group: role, configuration: role, revision: number, message: 'test' };
      const { rollouts } = await server.client.startRollout({ body: request });
      await offered(agent);
      const lastRemoteConfigHash = agent.offers[0]?.configHash ?? new Uint8Array();
      agent.send(
        agent.change({
          health: { healthy: true },
          remoteConfigStatus: { lastRemoteConfigHash, status: 1 },
          effectiveConfig: { configMap: { configMap: { '': { body: Buffer.from(body) } } } },
        }),
      );
      const began = performance.now();
      let worst = 0;
      const { ledger } = await until(
        async () => {
          const asked = performance.now();
          const detail = await server.client.getAgent({ id: agent.uid });
          worst = Math.max(worst, performance.now() - asked);
          return detail;
        },
        (detail) => (detail.ledger[0]?.effective ?? null) !== null,
        15_000,
      );
      expect(ledger[0]?.effective?.verdict).not.toBe('confirmed');
      expect(performance.now() - began).toBeLessThan(15_000);
      expect(rollouts).toHaveLength(1);
      agent.drop();
    },
    30_000,
  );
});

describe('the operator plane', AGAIN, () => {
  const TYPES = [
    'application/json\ta',
    'application/jsonx',
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    'application/json+x',
    'text/json',
    '*/*',
    'application/ json',
    'json',
    'application/xml',
    ';',
  ];
  const writes = Object.entries(contract).filter(([, { input }]) => 'body' in input.shape);

  it.each(writes)('%s takes JSON alone, whatever the type says', async (_, { method, path }) => {
    const at = path.replaceAll(/\{\w+\}/g, 'x');
    for (const type of TYPES) {
      const head = `${method} /api/v1${at} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: ${type}\r\nContent-Length: 2\r\n\r\n{}`;
      expect(await raw('api', head), `${method} ${at} as ${JSON.stringify(type)}`).toMatch(/^HTTP\/1.1 4(15|00)/);
    }
  });

  const put = async (body: string) => {
    const request = { method: 'PUT', body, headers: { 'content-type': 'application/json' } };
    const response = await fetch(`http://${server.addresses.api}/api/v1/groups/x`, request);
    return { status: response.status, ...((await response.json()) as { code: string }) };
  };

  it.each([
    ['depth', '['.repeat(1_000_000), 400],
    ['depth that ends', `{"selector":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 400],
    ['prototype keys', '{"selector":"a=b","__proto__":{"configuration":"edge"}}', 400],
    ['a constructor', '{"constructor":{"prototype":{"x":1}}}', 400],
    ['many values', `[${'1,'.repeat(1_000_000)}1]`, 400],
    ['many keys that look like the end of a text', `{${'"\\\\":1,'.repeat(100_000)}"x":1}`, 400],
    ['many keys', `{${Array.from({ length: 50_000 }, (_, index) => `"k${index}":1`)}}`, 400],
  ])('R12, R13, R18: JSON with %s is refused as a problem', async (_, body, status) => {
    expect(await put(body)).toMatchObject({ status, code: expect.any(String) });
  });

  it('R13: a body of one byte too many is refused by its length', async () => {
    const head = `PUT /api/v1/groups/x HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n`;
    expect(await raw('api', `${head}Content-Length: ${4 * MiB + 1}\r\n\r\n`)).toMatch(/^HTTP\/1.1 413/);
  });

  it.each([
    '/../../etc/passwd',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/..%2f..%2fetc%2fpasswd',
    '/api/v1/agents/..%2f..',
    '/a%00b',
    '//etc/passwd',
    '/\\\\host\\share',
  ])('R19: %s is nothing on any port', async (path) => {
    for (const plane of ['opamp', 'api', 'ops'] as const)
      expect(await raw(plane, `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`)).toMatch(/^HTTP\/1.1 40[04]/);
  });
});

it('R17: 200 connections that say nothing more than half a head keep nobody out', async () => {
  const [host = '', port] = server.addresses.opamp.split(':');
  const sockets = Array.from({ length: 200 }, () => {
    const socket = createConnection({ host, port: Number(port) });
    socket.on('error', () => undefined);
    socket.write('POST /v1/opamp HTTP/1.1\r\nHost: x\r\nx-');
    return socket;
  });
  const began = performance.now();
  expect((await post(encodeAgentToServer({ instanceUid: uid }))).status).toBe(200);
  expect(performance.now() - began).toBeLessThan(2_000);
  for (const socket of sockets) socket.destroy();
});
