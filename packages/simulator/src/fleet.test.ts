import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type AgentToServer, decodeAgentToServer, encodeRemoteConfig, frame, unframe } from '@flaghoist/opamp';
import { afterEach, expect, test } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { FIRST } from '../test/configs.ts';
import { hashOf } from '../test/virtual-agent.ts';
import { type Fleet, startFleet } from './fleet.ts';
import { type Scenario, scenario } from './scenario.ts';
import * as wire from './wire.ts';

/** An OpAMP server that offers FIRST once to everybody who has not heard of it, and keeps what it hears. */
class TinyServer {
  readonly heard: AgentToServer[] = [];
  readonly uidHeaders = new Set<string>();
  /** Answered 503 first, so often. */
  refusals = 0;
  closes: number[] = [];
  sockets = new Set<WebSocket>();
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
      this.sockets.add(socket);
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
    const uid = Buffer.from(message.instanceUid);
    const config = encodeRemoteConfig({
      files: [{ name: '', body: Buffer.from(FIRST) }],
      hash: Buffer.from('first'),
    });
    const offer = this.offered.has(uid.toString('hex')) ? wire.nothing : config.bytes;
    this.offered.add(uid.toString('hex'));
    return Buffer.concat([wire.bytes(1, uid), offer]);
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
  await Promise.all(fleets.splice(0).map((fleet) => fleet.stop()));
  for (const server of running.splice(0)) server.close();
});

async function start(about: object, url: (address: string) => string, server = new TinyServer()) {
  running.push(server);
  const made: Scenario = scenario({ timeScale: 0.02, heartbeat: '50ms', ...about });
  const fleet = await startFleet({ url: url(await server.listen()), scenario: made });
  fleets.push(fleet);
  return { server, fleet };
}

test.each(['websocket', 'http', 'mixed'] as const)('a fleet over %s takes a configuration', async (transport) => {
  const { server, fleet } = await start({ transport, agents: 20 }, (address) => `ws://${address}`);
  await fleet.settled(300);
  expect(fleet.summary()).toMatchObject({
    agents: 20,
    connected: 20,
    healthy: 20,
    statuses: { [hashOf('first')]: { APPLIED: 20 } },
    running: { [hashOf('first')]: 20 },
    offers: 20,
    repeatedOffers: 0,
    collectorRestarts: 20,
  });
  const uids = new Set(server.heard.map(({ instanceUid }) => Buffer.from(instanceUid).toString('hex')));
  expect(uids.size).toBe(20);
  const polling = fleet.agents.filter((agent) => agent.transport === 'http');
  expect(server.uidHeaders.size).toBe(polling.length);
});

test('a stop says goodbye with close code 1000; without goodbye it just ends', async () => {
  const { server, fleet } = await start({ agents: 3 }, (address) => `http://${address}/v1/opamp`);
  await fleet.settled(200);
  await fleet.stop();
  expect(server.heard.filter(({ agentDisconnect }) => agentDisconnect !== undefined).length).toBe(3);
  expect(server.closes).toEqual([1000, 1000, 1000]);
  const rude = await start({ agents: 2 }, (address) => `ws://${address}`);
  await rude.fleet.settled(200);
  await rude.fleet.stop({ goodbye: false });
  await expect.poll(() => rude.server.closes).toEqual([1006, 1006]);
});

test('a closed connection is back at once with the next number and nothing else', async () => {
  const { server, fleet } = await start({ agents: 1, heartbeat: '30s' }, (address) => `ws://${address}`);
  await fleet.settled(300);
  const before = server.heard.length;
  for (const socket of server.sockets) socket.terminate();
  await expect.poll(() => server.heard.length).toBe(before + 1);
  const [last, first] = [server.heard.at(-1), server.heard.at(-2)];
  expect(last?.sequenceNum).toBe((first?.sequenceNum ?? 0n) + 1n);
  expect(last?.agentDescription).toBeUndefined();
  expect(last?.remoteConfigStatus).toBeUndefined();
  expect(fleet.records()[0]?.connections).toBe(2);
});

test('503 with Retry-After is waited for, and the same report comes again', async () => {
  const server = new TinyServer();
  server.refusals = 1;
  const began = performance.now();
  const { fleet } = await start({ agents: 1, transport: 'http' }, (address) => `http://${address}`, server);
  await expect.poll(() => server.heard.length, { timeout: 5_000 }).toBeGreaterThan(0);
  expect(performance.now() - began).toBeGreaterThan(990);
  expect(server.heard[0]?.sequenceNum).toBe(0n);
  expect(fleet.records()[0]?.connected).toBe(true);
});

test('an absent server is looked for; an offline agent comes when it is released', async () => {
  const behaviours = [{ kind: 'offline-until' }];
  const { server, fleet } = await start({ groups: [{ count: 2, behaviours }] }, (address) => `ws://${address}`);
  await fleet.settled(300);
  expect(fleet.summary()).toMatchObject({ agents: 2, connected: 1 });
  fleet.release();
  await expect.poll(() => fleet.summary().connected).toBe(2);
  await fleet.settled(300);
  expect(fleet.summary().statuses).toEqual({ [hashOf('first')]: { APPLIED: 2 } });
  expect(server.heard.length).toBeGreaterThan(4);
});

test('a signal stops the fleet', async () => {
  const server = new TinyServer();
  running.push(server);
  const stop = new AbortController();
  const url = `ws://${await server.listen()}`;
  const fleet = await startFleet({ url, scenario: scenario({ agents: 2 }), signal: stop.signal });
  fleets.push(fleet);
  await expect.poll(() => fleet.summary().connected).toBe(2);
  stop.abort();
  await fleet.stop();
  expect(server.closes).toEqual([1000, 1000]);
});
