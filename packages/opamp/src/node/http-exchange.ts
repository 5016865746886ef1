import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzip } from 'node:zlib';
import { type InstanceUid, parseUid } from '../instance-uid.ts';
import type { Limits } from '../limits.ts';
import type { Link } from '../session/session.ts';
import type { AgentConnection } from './connection.ts';

/** One POST and its response (S-028). */
export function openExchange(
  request: IncomingMessage,
  response: ServerResponse,
  link: Link,
  identity: unknown,
  limits: Limits,
): AgentConnection {
  let open = true;
  /** Whether it is for the caller to answer. */
  const claim = (): boolean => {
    const claimed = open && !response.destroyed;
    open = false;
    return claimed;
  };
  const answer = (status: number, headers: Readonly<Record<string, string>> = {}, body?: Buffer): void => {
    response.writeHead(status, { ...headers, 'Content-Length': body?.length ?? 0 }).end(body);
  };

  function send(parts: readonly Uint8Array[]): boolean {
    if (!claim()) return false;
    const body = Buffer.concat(parts);
    if (body.length > limits.sendBytes) {
      answer(500);
      return false;
    }
    const headers = { 'Content-Type': 'application/x-protobuf', Vary: 'Accept-Encoding' };
    if (body.length < limits.gzipFromBytes || !acceptsGzip(request.headers['accept-encoding'])) {
      answer(200, headers, body);
    } else {
      gzip(body, (error, packed) => {
        if (error) answer(500);
        else answer(200, { ...headers, 'Content-Encoding': 'gzip' }, packed);
      });
    }
    return true;
  }

  function close(): void {
    if (claim()) answer(503, { Connection: 'close' });
  }

  const uidHeader = uidIn(request.headers['opamp-instance-uid']);
  return { ...link, link, identity, uidHeader, bufferedAmount: 0, send, close };
}

/** Whether an Accept-Encoding header names gzip, and not with `q=0` (S-031). */
export function acceptsGzip(header: string | string[] | undefined): boolean {
  const gzip = /(?:^|,)\s*gzip\s*(?:;\s*q=([\d.]+)\s*)?(?:,|$)/i.exec(String(header ?? ''));
  return gzip !== null && Number(gzip[1] ?? 1) > 0;
}

function uidIn(header: string | string[] | undefined): InstanceUid | undefined {
  try {
    return parseUid(String(header));
  } catch {
    // A hint only: without a readable one the answer has no uid.
    return undefined;
  }
}
