import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzip } from 'node:zlib';
import { type InstanceUid, parseUid } from '../instance-uid.ts';
import type { Link } from '../session/session.ts';
import type { AgentConnection } from './connection.ts';

/** One POST and its response (S-028). */
export class HttpExchange implements AgentConnection {
  readonly transport = 'http';
  readonly bufferedAmount = 0;
  readonly id: string;
  readonly link: Link;
  readonly remoteAddress: string;
  readonly identity: unknown;
  readonly uidHeader: InstanceUid | undefined;
  private answered = false;
  private readonly response: ServerResponse;
  private readonly gzip: boolean;
  private readonly sendBytes: number;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    about: {
      readonly id: string;
      readonly link: Link;
      readonly identity: unknown;
      readonly sendBytes: number;
    },
  ) {
    this.response = response;
    this.id = about.id;
    this.link = about.link;
    this.identity = about.identity;
    this.sendBytes = about.sendBytes;
    this.remoteAddress = request.socket.remoteAddress ?? '';
    this.uidHeader = uidIn(request.headers['opamp-instance-uid']);
    this.gzip = acceptsGzip(request.headers['accept-encoding']);
  }

  send(parts: readonly Uint8Array[]): boolean {
    if (this.answered || this.response.destroyed) return false;
    this.answered = true;
    const body = Buffer.concat(parts);
    if (body.length > this.sendBytes) {
      this.response.writeHead(500).end();
      return false;
    }
    this.response.setHeader('Content-Type', 'application/x-protobuf');
    this.response.setHeader('Vary', 'Accept-Encoding');
    if (!this.gzip) {
      this.response.writeHead(200, { 'Content-Length': body.length }).end(body);
      return true;
    }
    gzip(body, (error, packed) => {
      if (error) this.response.writeHead(500).end();
      else {
        this.response
          .writeHead(200, { 'Content-Encoding': 'gzip', 'Content-Length': packed.length })
          .end(packed);
      }
    });
    return true;
  }

  close(): void {
    if (this.answered || this.response.destroyed) return;
    this.answered = true;
    this.response.writeHead(503, { Connection: 'close' }).end();
  }
}

/** Whether an Accept-Encoding header allows gzip: named or by `*`, and not with `q=0` (S-031). */
export function acceptsGzip(header: string | string[] | undefined): boolean {
  const weights = new Map<string, number>();
  for (const choice of String(header ?? '').split(',')) {
    const [name = '', ...parameters] = choice.split(';').map((part) => part.trim().toLowerCase());
    const weight = parameters.find((parameter) => parameter.startsWith('q='));
    weights.set(name, weight === undefined ? 1 : Number(weight.slice(2)));
  }
  return (weights.get('gzip') ?? weights.get('*') ?? 0) > 0;
}

function uidIn(header: string | string[] | undefined): InstanceUid | undefined {
  try {
    return typeof header === 'string' ? parseUid(header) : undefined;
  } catch {
    // A hint only: without a readable one the answer has no uid.
    return undefined;
  }
}
