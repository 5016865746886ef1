import { randomInt, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocketServer } from 'ws';
import { defaultLimits, type Limits, maxFragments } from '../limits.ts';
import type { Link } from '../session/session.ts';
import { createBudget } from './budget.ts';
import type { Admission, AgentConnection, ListenerHandlers, Rejection } from './connection.ts';
import { openExchange } from './http-exchange.ts';
import { readBody } from './request-body.ts';
import { type Plane, WebSocketConnection } from './websocket-connection.ts';

/** How a listener is made. */
export interface ListenerOptions {
  /** Where agents connect, both ways. Default `/v1/opamp` (S-002, S-003). */
  readonly path?: string;
  /** Over the defaults. */
  readonly limits?: Partial<Limits>;
  readonly handlers: ListenerHandlers;
  /** Names this start of the server in link ids; unique. Default: random. */
  readonly boot?: string;
}

/** An open port for agents. */
export interface OpampListener {
  /** Port 4320 is the protocol's (S-004); 0 takes any. Rejects when the address cannot be had. */
  listen(address: { readonly host?: string; readonly port: number }): Promise<{ host: string; port: number }>;
  /**
   * Take no more connections, close the open ones with 1001 in random order spread evenly over `drainMs`, then end
   * what is left (S-254, R10).
   */
  close(options?: { readonly drainMs?: number }): Promise<void>;
  /** The open WebSockets. */
  readonly connections: ReadonlySet<AgentConnection>;
}

const unavailable = { accept: false, status: 503, headers: { 'Retry-After': '30' } } as const;

/** Serve OpAMP over WebSocket and plain HTTP at one URL (S-001). */
export function createOpampListener(options: ListenerOptions): OpampListener {
  const { path = '/v1/opamp', handlers, boot = randomUUID() } = options;
  const limits: Limits = { ...defaultLimits, ...options.limits };
  const share = createBudget(limits.unfinishedBytes);
  const plane: Plane = { limits, handlers, share, connections: new Set(), silent: new Set() };
  const http: Link = { id: boot, transport: 'http' };
  let serial = 0;
  let draining = false;

  const server = createServer({
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    connectionsCheckingInterval: Math.max(50, Math.min(limits.headersMs, limits.requestMs) / 10),
    keepAliveTimeout: limits.keepAliveMs,
    // Other upgrades, such as the h2c that some clients try, are to be ignored (RFC 9110 7.8).
    shouldUpgradeCallback: (request) => request.headers.upgrade?.toLowerCase() === 'websocket',
  });
  server.maxConnections = limits.connections;
  const upgradeOptions = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: limits.receiveBytes,
    maxFragments: maxFragments(limits.receiveBytes),
    closeTimeout: limits.closeMs,
  };
  const upgrades = new WebSocketServer(upgradeOptions);

  /** What can be said from the head of a request alone; authentication comes before any body (R15). */
  async function admit(request: IncomingMessage, transport: Link['transport']): Promise<Admission> {
    const { headers, socket, method, url } = request;
    if (url?.split('?')[0] !== path) return { accept: false, status: 404 };
    // Browsers send an Origin, agents do not: no page may talk to us through its visitor (X15).
    if (headers.origin !== undefined) return { accept: false, status: 403 };
    if (transport === 'http' && method === 'GET') {
      return { accept: false, status: 426, headers: { Upgrade: 'websocket', Connection: 'Upgrade' } };
    }
    if (transport === 'http' && method !== 'POST') {
      return { accept: false, status: 405, headers: { Allow: 'GET, POST' } };
    }
    return handlers.admit({ remoteAddress: socket.remoteAddress ?? '', headers, transport });
  }

  server.on('request', async (request: IncomingMessage, response: ServerResponse) => {
    if (draining) response.setHeader('Connection', 'close');
    response.on('error', () => undefined);
    const admission = await admit(request, 'http').catch(() => unavailable);
    if (!admission.accept) return refuse(response, admission);
    const [type = ''] = (request.headers['content-type'] ?? '').split(';');
    if (type.trim().toLowerCase() !== 'application/x-protobuf') return refuse(response, { status: 415 });
    const body = await readBody(request, limits, share());
    if (typeof body === 'number') return refuse(response, { status: body });
    const exchange = openExchange(request, response, http, admission.identity, limits);
    response.once('close', () => handlers.closed(exchange));
    handlers.message(exchange, body);
  });

  server.on('upgrade', async (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    stream.on('error', () => stream.destroy());
    const admission = await admit(request, 'websocket').catch(() => unavailable);
    if (!admission.accept) return refuseUpgrade(stream, admission);
    const crowded = plane.silent.size >= limits.connections * limits.silentShare;
    if (draining || crowded) return refuseUpgrade(stream, unavailable);
    // The library answers 400 or 405 itself when the request is no upgrade.
    upgrades.handleUpgrade(request, stream, head, (socket) => {
      new WebSocketConnection(plane, socket, stream, `${boot}-${++serial}`, admission.identity);
    });
  });

  server.on('clientError', (error: NodeJS.ErrnoException, stream: Duplex) => {
    const status = error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : error.code === 'HPE_HEADER_OVERFLOW' ? 431 : 400;
    refuseUpgrade(stream, { status });
  });

  return {
    connections: plane.connections,
    async listen({ host, port }) {
      server.listen({ port, ...(host !== undefined && { host }) });
      await once(server, 'listening');
      const address = server.address() as AddressInfo;
      return { host: address.address, port: address.port };
    },
    async close({ drainMs = 0 } = {}) {
      draining = true;
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      server.closeIdleConnections();
      await drain(plane.connections, drainMs);
      // WebSockets whose Close frame is not answered are ended by the library after the same time.
      const grace = setTimeout(() => server.closeAllConnections(), limits.closeMs);
      await closed;
      clearTimeout(grace);
    },
  };
}

/** Closes all with 1001, in random order, evenly over the time. */
async function drain(connections: ReadonlySet<AgentConnection>, drainMs: number): Promise<void> {
  const order = [...connections]
    .map((connection) => ({ connection, rank: randomInt(2 ** 32) }))
    .sort((a, b) => a.rank - b.rank);
  const started = performance.now();
  for (const [i, { connection }] of order.entries()) {
    const wait = started + (drainMs * i) / order.length - performance.now();
    if (wait > 0) await sleep(wait);
    connection.close(1001, 'the server is going away');
  }
}

function refuse(response: ServerResponse, { status, headers = {} }: Rejection): void {
  response.writeHead(status, { ...headers, 'Content-Length': 0 }).end();
}

/** The same on a socket that has left the hands of the HTTP server. */
function refuseUpgrade(stream: Duplex, { status, headers = {} }: Rejection): void {
  if (!stream.writable) return void stream.destroy();
  const lines = Object.entries({ Connection: 'close', 'Content-Length': '0', ...headers });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  stream.once('finish', () => stream.destroy());
  stream.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head}\r\n`);
}
