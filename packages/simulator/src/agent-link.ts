import * as http from 'node:http';
import * as https from 'node:https';
import type { Socket } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { decodeServerToAgent, type ServerToAgent, unframe } from '@flaghoist/opamp';
import { WebSocket } from 'ws';
import type { AgentEvent, Effect } from './effect.ts';
import { limits } from './limits.ts';
import { maskedFrame } from './masked-frame.ts';

/** Where the agents of a fleet connect to, and what they share. */
export class Network {
  readonly webSocketUrl: URL;
  readonly httpUrl: URL;
  readonly requests: http.Agent;
  private free: number = limits.dials;
  private readonly waiting: (() => void)[] = [];

  /** @param url scheme ws, wss, http or https; without a path, that of OpAMP */
  constructor(url: string) {
    const secure = /^(wss|https):/.test(url);
    this.webSocketUrl = new URL(url.replace(/^\w+:/, secure ? 'wss:' : 'ws:'));
    if (this.webSocketUrl.pathname === '/') this.webSocketUrl.pathname = '/v1/opamp';
    this.httpUrl = new URL(this.webSocketUrl.href.replace(/^ws/, 'http'));
    this.requests = secure ? new https.Agent({ keepAlive: true }) : new http.Agent({ keepAlive: true });
  }

  /** Runs `begin` once less than the allowed number of handshakes are under way; it ends with `dialled`. */
  dial(begin: () => void): void {
    if (this.free === 0) {
      this.waiting.push(begin);
      return;
    }
    this.free -= 1;
    begin();
  }

  dialled(): void {
    this.free += 1;
    const next = this.waiting.shift();
    if (next !== undefined) this.dial(next);
  }
}

/** The socket of one agent: does what the agent asks, and tells it what happens. */
export class AgentLink {
  private readonly network: Network;
  private readonly localAddress: string | undefined;
  private readonly happened: (event: AgentEvent) => void;
  private socket: WebSocket | undefined;
  /** Below `socket`: whole frames go there directly. */
  private stream: Socket | undefined;
  private request: http.ClientRequest | undefined;
  private attempt = 0;

  constructor(network: Network, localAddress: string | undefined, happened: (event: AgentEvent) => void) {
    this.network = network;
    this.localAddress = localAddress;
    this.happened = happened;
  }

  get open(): boolean {
    return this.socket !== undefined || this.request !== undefined;
  }

  /** @param uid hyphenated, for the header of HTTP requests */
  perform(effects: readonly Effect[], uid: string): void {
    const stream = effects.length > 1 ? this.stream : undefined;
    stream?.cork();
    for (const effect of effects) this.performOne(effect, uid);
    stream?.uncork();
  }

  private performOne(effect: Effect, uid: string): void {
    switch (effect.do) {
      case 'connect':
        this.dial();
        break;
      case 'send':
        if (this.socket?.readyState === WebSocket.OPEN) this.stream?.write(maskedFrame(effect.payload));
        break;
      case 'post':
        this.post(effect.payload, uid);
        break;
      case 'close':
        this.socket?.close(1000, 'Normal closure');
        break;
      case 'drop':
        this.drop();
        break;
      case 'stop-reading':
        this.socket?.pause();
        break;
    }
  }

  /** End without a word and without an event. */
  drop(): void {
    this.attempt += 1;
    this.socket?.terminate();
    this.request?.destroy();
    this.socket = undefined;
    this.request = undefined;
  }

  /** Connect as soon as the network lets it, unless it is dropped meanwhile. */
  private dial(): void {
    this.attempt += 1;
    const { attempt } = this;
    this.network.dial(() => {
      if (attempt === this.attempt) this.connect();
      else this.network.dialled();
    });
  }

  private connect(): void {
    const socket = new WebSocket(this.network.webSocketUrl, {
      perMessageDeflate: false,
      followRedirects: true,
      handshakeTimeout: limits.handshakeMs,
      ...(this.localAddress !== undefined && { localAddress: this.localAddress }),
    });
    this.socket = socket;
    let dialling = true;
    const dialled = (event: AgentEvent) => {
      if (dialling) this.network.dialled();
      if (dialling) this.tell(socket, event);
      dialling = false;
    };
    socket.on('upgrade', (response) => {
      this.stream = response.socket;
    });
    socket.on('open', () => dialled({ on: 'opened' }));
    socket.on('unexpected-response', (request, response) => {
      dialled({ on: 'refused', retryAfterMs: retryAfter(response.headers['retry-after']) });
      request.destroy();
    });
    // What failed is told by `close`, which follows.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (dialling) dialled({ on: 'refused' });
      else this.tell(socket, { on: 'closed' });
    });
    socket.on('message', (data: Buffer, isBinary) => {
      // To opamp-go a text frame is a read error.
      const message = isBinary ? read(() => unframe(data)) : undefined;
      if (message !== undefined) this.tell(socket, { on: 'received', message });
      else if (!isBinary) socket.terminate();
    });
  }

  /** Unless the agent has let go of this socket. */
  private tell(socket: WebSocket, event: AgentEvent): void {
    if (this.socket !== socket) return;
    if (event.on === 'closed' || event.on === 'refused') this.socket = undefined;
    this.happened(event);
  }

  private post(payload: readonly Uint8Array[], uid: string): void {
    const { httpUrl, requests } = this.network;
    const body = Buffer.concat(payload);
    const request = (httpUrl.protocol === 'https:' ? https : http).request(httpUrl, {
      method: 'POST',
      agent: requests,
      headers: {
        'Content-Type': 'application/x-protobuf',
        'Content-Length': body.length,
        'Accept-Encoding': 'gzip',
        'OpAMP-Instance-UID': uid,
      },
      ...(this.localAddress !== undefined && { localAddress: this.localAddress }),
    });
    this.request = request;
    const done = (event: AgentEvent) => {
      if (this.request !== request) return;
      this.request = undefined;
      this.happened(event);
    };
    request.on('error', () => done({ on: 'refused' }));
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', () => done({ on: 'refused' }));
      response.on('end', () => done(answer(response, Buffer.concat(chunks))));
    });
    request.end(body);
  }
}

/** What a response is to opamp-go: only 200 is an answer, 429 and 503 are tried again, other statuses lose the message. */
function answer(response: http.IncomingMessage, body: Buffer): AgentEvent {
  const { statusCode, headers } = response;
  if (statusCode === 429 || statusCode === 503)
    return { on: 'refused', retryAfterMs: retryAfter(headers['retry-after']) };
  if (statusCode !== 200) return { on: 'answered' };
  return {
    on: 'answered',
    message: read(() => (headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body)),
  };
}

/** An unreadable message is ignored. */
function read(bytes: () => Uint8Array): ServerToAgent | undefined {
  try {
    return decodeServerToAgent(bytes());
  } catch {
    return undefined;
  }
}

/** Seconds or an HTTP date. */
function retryAfter(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}
