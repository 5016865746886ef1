import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AgentToServer,
  decodeAgentToServer,
  encodeRemoteConfig,
  frame,
  parseUid,
  RemoteConfigStatuses,
  uidFromBytes,
  unframe,
} from '@flaghoist/opamp';
import { afterEach, expect, test } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { FIRST } from '../test/configs.ts';
import { encoded, hashOf } from '../test/virtual-agent.ts';
import { Fleet } from './fleet.ts';
import { scenario } from './scenario.ts';

const { RemoteConfigStatuses_APPLIED: APPLIED } = RemoteConfigStatuses;

/** An OpAMP server that offers FIRST once to everybody who has not heard of it, and keeps what it hears. */
class TinyServer {
  readonly heard: AgentToServer[] = [];
  readonly uidHeaders = new Set<string>();
  /** Answered 503 first, so often. */
  refusals = 0;
  closes: number[] = [];
  /** In the order of their connecting. */
  readonly sockets: WebSocket[] = [];
  private readonly offered = new Set<string>();
  private readonly http = createServer((request, response) => {
    void body(request).then((bytes) => {
      if (this.refusals-- > 0) {
        response.writeHead(503, { 'Retry-After': '1' }).end();
        return;
      }
      this.uidHeaders.add(String(request.headers['opamp-instance-uid']));
      response.writeHead(200, { 'Content-Type': 'application/x-protobuf' }).end(this.answer(bytes));
    });
  });

  async listen(): Promise<string> {
    const sockets = new WebSocketServer({ server: this.http, path: '/v1/opamp' });
    sockets.on('connection', (socket) => {
      this.sockets.push(socket);
      socket.on('message', (data: Buffer) => socket.send(frame(this.answer(unframe(data)))));
      socket.on('close', (code) => this.closes.push(code));
    });
    await new Promise<void>((resolve) => this.http.listen(0, '127.0.0.1', resolve));
    return `127.0.0.1:${(this.http.address() as AddressInfo).port}`;
  }

  close(): void {
    this.http.closeAllConnections();
    this.http.close();
  }

  private answer(bytes: Uint8Array): Buffer {
    const message = decodeAgentToServer(bytes);
    this.heard.push(message);
    const uid = uidFromBytes(message.instanceUid);
    const files = [{ name: '', body: Buffer.from(FIRST) }];
    const remoteConfig = encodeRemoteConfig({ files, hash: Buffer.from('first') });
    const reply = encoded(this.offered.has(uid) ? {} : { remoteConfig }, uid);
    this.offered.add(uid);
    return reply;
  }
}

async function body(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const running: { close(): void }[] = [];
const fleets: Fleet[] = [];
afterEach(async () => {
  await Promise.all(fleets.splice(0).map((fleet) => fleet[Symbol.asyncDispose]()));
  for (const server of running.splice(0)) server.close();
});

async function start(about: object, url: (address: string) => string, server = new TinyServer()) {
  running.push(server);
  const made = scenario({ timeScale: 0.02, heartbeat: '50ms', ...about });
  const fleet = new Fleet({ url: url(await server.listen()), scenario: made });
  fleets.push(fleet);
  return { server, fleet };
}

/** Until everybody who is connected has said all that it has to say of its configuration. */
const allApplied = (fleet: Fleet, besides = 0) =>
  expect
    .poll(() => fleet.records().filter(({ statuses }) => statuses.at(-1)?.status === 'APPLIED').length, {
      timeout: 5_000,
    })
    .toBe(fleet.agents.length - besides);

test.each(['websocket', 'http', 'mixed'] as const)('a fleet over %s takes a configuration', async (transport) => {
  const { server, fleet } = await start({ transport, agents: 20 }, (address) => `ws://${address}`);
  await allApplied(fleet);
  expect(fleet.summary()).toMatchObject({
    agents: 20,
    connected: 20,
    healthy: 20,
    offers: 20,
    repeatedOffers: 0,
    collectorRestarts: 20,
  });
  for (const { running, statuses } of fleet.records()) {
    expect(running).toBe(hashOf('first'));
    expect(statuses.at(-1)).toMatchObject({ hash: hashOf('first'), status: 'APPLIED' });
  }
  const uids = new Set(server.heard.map(({ instanceUid }) => Buffer.from(instanceUid).toString('hex')));
  expect(uids.size).toBe(20);
  const polling = fleet.agents.filter((agent) => agent.transport === 'http');
  expect(server.uidHeaders.size).toBe(polling.length);
});

test('a stop says goodbye with close code 1000', async () => {
  const { server, fleet } = await start({ agents: 3 }, (address) => `http://${address}/v1/opamp`);
  await allApplied(fleet);
  await fleet[Symbol.asyncDispose]();
  expect(server.heard.filter(({ agentDisconnect }) => agentDisconnect !== undefined).length).toBe(3);
  expect(server.closes).toEqual([1000, 1000, 1000]);
});

test('a closed connection is back at once with the next number and nothing else', async () => {
  const { server, fleet } = await start({ agents: 1, heartbeat: '30s' }, (address) => `ws://${address}`);
  await expect.poll(() => server.heard.at(-1)?.remoteConfigStatus?.status).toBe(APPLIED);
  const before = server.heard.length;
  for (const socket of server.sockets) socket.terminate();
  await expect.poll(() => server.heard.length).toBe(before + 1);
  const [last, first] = [server.heard.at(-1), server.heard.at(-2)];
  expect(last?.sequenceNum).toBe((first?.sequenceNum ?? 0n) + 1n);
  expect(last?.agentDescription).toBeUndefined();
  expect(last?.remoteConfigStatus).toBeUndefined();
  await expect.poll(() => fleet.records()[0]?.connections).toBe(2);
});

test('503 with Retry-After is waited for, and the same report comes again', async () => {
  const server = new TinyServer();
  server.refusals = 1;
  const began = performance.now();
  const { fleet } = await start({ agents: 1, transport: 'http' }, (address) => `http://${address}`, server);
  await expect.poll(() => server.heard.length, { timeout: 5_000 }).toBeGreaterThan(0);
  expect(performance.now() - began).toBeGreaterThan(990);
  expect(server.heard[0]?.sequenceNum).toBe(0n);
  await expect.poll(() => fleet.records()[0]?.connected).toBe(true);
});

test('an absent server is looked for; an offline agent comes when it is released', async () => {
  const behaviours = [{ kind: 'offline-until' }];
  const { server, fleet } = await start({ groups: [{ count: 2, behaviours }] }, (address) => `ws://${address}`);
  await allApplied(fleet, 1);
  expect(fleet.summary()).toMatchObject({ agents: 2, connected: 1 });
  fleet.release();
  await expect.poll(() => fleet.summary().connected).toBe(2);
  await allApplied(fleet);
  for (const { statuses } of fleet.records()) expect(statuses.at(-1)?.status).toBe('APPLIED');
  expect(server.heard.length).toBeGreaterThan(4);
});

/** A fleet of agents with one behaviour that speak WebSocket. */
const troubled = (behaviour: { kind: string; [option: string]: unknown }, count = 1) =>
  start({ groups: [{ count, behaviours: [behaviour] }] }, (address) => `ws://${address}`);

test('a flapper comes back again and again as the same agent, its numbers going on', async () => {
  const { server, fleet } = await troubled({ kind: 'flapper', every: '2s', down: '1s' });
  await expect.poll(() => server.sockets.length, { timeout: 5_000 }).toBeGreaterThan(3);
  expect(server.closes.every((code) => code === 1006)).toBe(true);
  expect(new Set(server.heard.map(({ instanceUid }) => uidFromBytes(instanceUid))).size).toBe(1);
  const numbers = server.heard.map(({ sequenceNum }) => Number(sequenceNum));
  expect(numbers.toSorted((one, other) => one - other)).toEqual(numbers);
  expect(server.heard.filter(({ agentDescription }) => agentDescription !== undefined).length).toBe(1);
  await expect.poll(() => fleet.records()[0]?.connections).toBeGreaterThan(3);
});

test('clones are two connections with one uid, until the server gives one of them another', async () => {
  const { server, fleet } = await troubled({ kind: 'clone' }, 2);
  await expect.poll(() => fleet.summary().connected).toBe(2);
  await allApplied(fleet, 1);
  expect(server.sockets.length).toBe(2);
  const uids = () => server.heard.map(({ instanceUid }) => uidFromBytes(instanceUid));
  const [shared] = uids();
  expect(new Set(uids())).toEqual(new Set([shared]));
  const fresh = parseUid('0f'.repeat(16));
  server.sockets[0]?.send(frame(encoded({ newUid: fresh }, shared)));
  await expect.poll(() => new Set(uids())).toEqual(new Set([shared, fresh]));
  expect(new Set(fleet.records().map(({ uid }) => uid)).size).toBe(2);
});

test('a slow reader keeps its connection and its heartbeats, but takes nothing off the wire', async () => {
  const { server, fleet } = await start(
    { groups: [{ count: 2, behaviours: [{ kind: 'slow-reader', after: '100s' }] }] },
    (address) => `ws://${address}`,
  );
  await allApplied(fleet);
  // A fiftieth of that after it connected, it stops reading.
  await sleep(2_100);
  for (const socket of server.sockets) {
    for (let i = 0; i < 32; i++) socket.send(Buffer.alloc(1024 * 1024));
  }
  const waiting = () => server.sockets.map((socket) => socket.bufferedAmount).sort((one, other) => one - other);
  await expect.poll(() => waiting()[0], { timeout: 10_000 }).toBe(0);
  const heard = server.heard.length;
  await expect.poll(() => server.heard.length, { timeout: 5_000 }).toBeGreaterThan(heard + 10);
  expect(waiting()[1]).toBeGreaterThan(8 * 1024 * 1024);
  expect(fleet.summary().connected).toBe(2);
});
