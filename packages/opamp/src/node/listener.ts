import { randomInt, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type WebSocket, WebSocketServer } from 'ws';
import { defaultLimits, type Limits, maxFragments } from '../limits.ts';
import type { Link } from '../session/session.ts';
import { createBudget } from './budget.ts';
import type { ListenerHandlers, Plane, Rejection } from './connection.ts';
import { answer, serveExchange } from './http-exchange.ts';
import { serveWebSocket } from './websocket.ts';

/** An open port for agents. */
export type OpampListener = ReturnType<typeof createOpampListener>;

/** Where agents connect, both ways (S-002). */
const PATH = '/v1/opamp';

const unavailable: Rejection = { status: 503, headers: { 'Retry-After': '30' } };

/**
 * Serve OpAMP over WebSocket and plain HTTP at one URL, `/v1/opamp` (S-001, S-002). What is no OpAMP, too large or too slow
 * is refused here, with an HTTP status, a close code or BAD_REQUEST, before a handler hears of it (S-012, S-018, S-038).
 * @param options - the handlers, and limits other than `defaultLimits`
 */
export function createOpampListener(options: {
  readonly handlers: ListenerHandlers;
  readonly limits?: Partial<Limits>;
}) {
  const { handlers } = options;
  const limits: Limits = { ...defaultLimits, ...options.limits };
  const plane: Plane = { limits, handlers, share: createBudget(limits.unfinishedBytes), silent: new Set() };
  /** Names this start of the server in the ids of links. */
  const boot = randomUUID();
  const http: Link = { id: boot, transport: 'http' };
  let serial = 0;
  let draining = false;
  /** Of each connection, how many requests wait for their answer. */
  const asking = new WeakMap<Duplex, number>();
  const asks = (socket: Duplex, more: 1 | -1) => asking.set(socket, (asking.get(socket) ?? 0) + more);

  const server = createServer({
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    connectionsCheckingInterval: Math.max(50, Math.min(limits.headersMs, limits.requestMs) / 10),
    keepAliveTimeout: limits.keepAliveMs,
    // Other upgrades, such as the h2c that some clients try, are to be ignored (RFC 9110 7.8).
    shouldUpgradeCallback: (request) => request.headers.upgrade?.toLowerCase() === 'websocket',
  });
  server.maxConnections = limits.connections;
  // Not a literal in the call: the types do not know `closeTimeout`.
  const upgradeOptions = {
    noServer: true,
    perMessageDeflate: false,
    maxPayload: limits.receiveBytes,
    maxFragments: maxFragments(limits.receiveBytes),
    closeTimeout: limits.closeMs,
  };
  const upgrades = new WebSocketServer(upgradeOptions);

  /** What can be said from the head of a request alone; authentication comes before any body (R15). */
  async function rejection(head: IncomingMessage, allowed: string): Promise<Rejection | undefined> {
    if (head.url?.split('?')[0] !== PATH) return { status: 404 };
    // Browsers send an Origin, agents do not: no page may talk to us through its visitor (X15).
    if (head.headers.origin !== undefined) return { status: 403 };
    if (head.method !== allowed) {
      return head.method === 'GET'
        ? { status: 426, headers: { Upgrade: 'websocket', Connection: 'Upgrade' } }
        : { status: 405, headers: { Allow: 'GET, POST' } };
    }
    return handlers.admit(head);
  }

  server.on('request', async (request: IncomingMessage, response: ServerResponse) => {
    if (draining) response.setHeader('Connection', 'close');
    const { socket } = request;
    asks(socket, 1);
    response.on('error', () => undefined).once('close', () => asks(socket, -1));
    const rejected = await rejection(request, 'POST').catch(() => unavailable);
    return rejected === undefined ? serveExchange(plane, request, response, http) : answer(response, rejected);
  });

  server.on('upgrade', async (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    stream.on('error', () => stream.destroy());
    const crowded = () => draining || plane.silent.size >= limits.connections * limits.silentShare;
    const rejected = await rejection(request, 'GET').catch(() => unavailable);
    // That answer would be written into the midst of the frames.
    if (asking.get(stream)) return stream.destroy();
    if (rejected !== undefined || crowded()) return answer(lastResponse(request, stream), rejected ?? unavailable);
    // The library answers 400 or 405 itself when the request is no upgrade.
    upgrades.handleUpgrade(request, stream, head, (socket) => {
      serveWebSocket(plane, socket, stream, { id: `${boot}-${++serial}`, transport: 'websocket' });
    });
  });

  return {
    /** Port 4320 is the protocol's (S-004); 0 takes any. Rejects when the address cannot be had. */
    async listen(address: { readonly host?: string; readonly port: number }): Promise<{ host: string; port: number }> {
      server.listen(address);
      await once(server, 'listening');
      const { address: host, port } = server.address() as AddressInfo;
      return { host, port };
    },
    /**
     * Take no more connections, close the open ones with 1001 in random order spread evenly over `drainMs`, then end
     * what is left (S-254, R10).
     */
    async close({ drainMs = 0 }: { readonly drainMs?: number } = {}): Promise<void> {
      draining = true;
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      await drain(upgrades.clients, drainMs);
      // WebSockets whose Close frame is not answered are ended by the library after the same time.
      const grace = setTimeout(() => server.closeAllConnections(), limits.closeMs);
      await closed;
      clearTimeout(grace);
    },
  };
}

/** Closes all with 1001, in random order, evenly over the time. */
async function drain(sockets: ReadonlySet<WebSocket>, drainMs: number): Promise<void> {
  const order = [...sockets].map((socket) => ({ socket, rank: randomInt(2 ** 32) })).sort((a, b) => a.rank - b.rank);
  const started = performance.now();
  for (const [i, { socket }] of order.entries()) {
    const wait = started + (drainMs * i) / order.length - performance.now();
    if (wait > 0) await sleep(wait);
    socket.close(1001, 'the server is going away');
  }
}

/** The response to a request whose socket has left the hands of the HTTP server; the socket ends with it. */
function lastResponse(request: IncomingMessage, stream: Duplex): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.on('error', () => undefined).once('finish', () => stream.destroy());
  response.assignSocket(stream as Socket);
  return response;
}
