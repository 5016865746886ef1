import * as http from 'node:http';
import * as https from 'node:https';
import type { Socket } from 'node:net';
import { decodeServerToAgent, formatUid, type InstanceUid, type ServerToAgent, unframe } from '@flaghoist/opamp';
import { WebSocket } from 'ws';
import type { SimulatedAgent } from './agent.ts';
import type { Link, Payload } from './life.ts';
import { limits } from './limits.ts';

/** What has happened to the link of an agent, to be told to it. */
export type LinkEvent = (agent: SimulatedAgent) => void;

/** @param url scheme ws, wss, http or https; without a path, that of OpAMP */
export function webSocketUrl(url: string): string {
  const address = new URL(url.replace(/^http/, 'ws'));
  if (address.pathname === '/') address.pathname = '/v1/opamp';
  return address.href;
}

/** By scheme. A handshake waits while so many are under way: a flood overflows the server's backlog, and takes longer. */
const DIALS = {
  'ws:': new http.Agent({ maxSockets: limits.dials }),
  'wss:': new https.Agent({ maxSockets: limits.dials }),
};

/** The sockets of one agent. */
export class SocketLink implements Link {
  private readonly url: string;
  private readonly happened: (event: LinkEvent) => void;
  private socket: WebSocket | undefined;
  /** Below `socket`. */
  private stream: Socket | undefined;
  private request: AbortController | undefined;

  /** @param url for WebSocket; over HTTP it is the same one */
  constructor(url: string, happened: (event: LinkEvent) => void) {
    this.url = url;
    this.happened = happened;
  }

  get open(): boolean {
    return this.socket !== undefined || this.request !== undefined;
  }

  /** What is sent meanwhile goes out in one write. */
  together(work: () => void): void {
    this.stream?.cork();
    work();
    this.stream?.uncork();
  }

  send(payload: Payload): void {
    this.socket?.send(Buffer.concat([OPAMP_HEADER, ...payload]));
  }

  close(): void {
    this.socket?.close(1000, 'Normal closure');
  }

  drop(): void {
    this.socket?.terminate();
    this.request?.abort();
    this.socket = undefined;
    this.request = undefined;
  }

  stopReading(): void {
    this.socket?.pause();
  }

  connect(): void {
    const socket = new WebSocket(this.url, {
      perMessageDeflate: false,
      followRedirects: true,
      handshakeTimeout: limits.handshakeMs,
      // A mask of zeros is a mask, and saves going through every byte: no proxy has to be protected from us.
      generateMask: () => undefined,
      agent: this.url.startsWith('wss:') ? DIALS['wss:'] : DIALS['ws:'],
    });
    this.socket = socket;
    let retryAfterMs: number | undefined;
    socket.on('upgrade', (response) => {
      this.stream = response.socket;
    });
    socket.on('open', () => {
      if (this.socket === socket) this.happened((agent) => agent.opened());
    });
    socket.on('unexpected-response', (_, response) => {
      retryAfterMs = retryAfter(response.headers['retry-after']);
      socket.terminate();
    });
    // What failed is told by `close`, which follows.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      // Unless the agent has let go of this socket.
      if (this.socket !== socket) return;
      this.socket = undefined;
      this.happened((agent) => agent.client.lost(retryAfterMs));
    });
    socket.on('message', (data: Buffer, isBinary) => {
      // To opamp-go a text frame is a read error.
      if (!isBinary) socket.terminate();
      const message = isBinary ? read(() => unframe(data)) : undefined;
      if (message !== undefined && this.socket === socket) this.happened((agent) => agent.received(message));
    });
  }

  post(payload: Payload, uid: InstanceUid): void {
    const request = new AbortController();
    this.request = request;
    const done = (event: LinkEvent) => {
      if (this.request !== request) return;
      this.request = undefined;
      this.happened(event);
    };
    const headers = { 'Content-Type': 'application/x-protobuf', 'OpAMP-Instance-UID': formatUid(uid) };
    const body = Buffer.concat(payload);
    fetch(this.url.replace(/^ws/, 'http'), { method: 'POST', headers, body, signal: request.signal })
      .then(answer)
      .then(done, () => done((agent) => agent.client.lost()));
  }
}

/** The varint 0 before every message over WebSocket (S-011). */
const OPAMP_HEADER = Uint8Array.of(0);

/** What a response is to opamp-go: only 200 is an answer, 429 and 503 are tried again, other statuses lose the message. */
async function answer(response: Response): Promise<LinkEvent> {
  const body = await response.bytes();
  const { status, headers } = response;
  if (status === 429 || status === 503) return (agent) => agent.client.lost(retryAfter(headers.get('retry-after')));
  const message = status === 200 ? read(() => body) : undefined;
  return (agent) => agent.answered(message);
}

/** An unreadable message is ignored. */
function read(bytes: () => Uint8Array): ServerToAgent | undefined {
  try {
    return decodeServerToAgent(bytes());
  } catch {
    return undefined;
  }
}

/** Milliseconds, from seconds or an HTTP date. */
function retryAfter(header: string | null | undefined): number | undefined {
  if (!header) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? ms : undefined;
}
