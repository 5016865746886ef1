import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { parseUid } from '../instance-uid.ts';
import type { Link } from '../session/session.ts';
import type { AgentConnection, Plane, Rejection } from './connection.ts';

const inflate = promisify(gunzip);

/** Serve one POST and its response (S-028). */
export async function serveExchange(plane: Plane, request: IncomingMessage, response: ServerResponse, link: Link) {
  const body = await readBody(request, plane);
  if (typeof body === 'number') return answer(response, { status: body });
  const { limits, handlers } = plane;
  let open = true;

  function send(parts: readonly Uint8Array[]): boolean {
    if (!open || response.destroyed) return false;
    open = false;
    const reply = Buffer.concat(parts);
    if (reply.length > limits.sendBytes) {
      answer(response, { status: 500 });
      return false;
    }
    const headers = { 'Content-Type': 'application/x-protobuf', Vary: 'Accept-Encoding' };
    if (reply.length < limits.gzipFromBytes || !acceptsGzip(request.headers['accept-encoding'])) {
      answer(response, { status: 200, headers, body: reply });
    } else {
      const coded = { ...headers, 'Content-Encoding': 'gzip' };
      gzip(reply, (error, body) => answer(response, error ? { status: 500 } : { status: 200, headers: coded, body }));
    }
    return true;
  }

  const uidHeader = parseUid(String(request.headers['opamp-instance-uid']));
  const exchange: AgentConnection = { link, uidHeader, bufferedAmount: 0, send, end: () => undefined };
  response.once('close', () => handlers.closed(exchange));
  handlers.message(exchange, body);
}

/** The whole response; without a body it says no more than the status. */
export function answer(response: ServerResponse, { status, headers, body }: Rejection & { readonly body?: Buffer }) {
  response.writeHead(status, { ...headers, 'Content-Length': body?.length ?? 0 }).end(body);
}

/**
 * The body of a request within its limits, sent and inflated (S-038, R15), or the HTTP status that refuses it. What
 * follows a refusal is read by node and thrown away, so that the client gets to see the answer; the request timeout ends
 * that.
 */
async function readBody(request: IncomingMessage, { limits, share }: Plane): Promise<Uint8Array | number> {
  const { headers } = request;
  const [type = ''] = (headers['content-type'] ?? '').split(';');
  if (type.trim().toLowerCase() !== 'application/x-protobuf') return 415;
  const encoding = (headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (encoding !== 'identity' && encoding !== 'gzip') return 415;
  if (Number(headers['content-length'] ?? 0) > limits.receiveBytes) return 413;
  const unfinished = share();
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      size += chunk.length;
      if (size > limits.receiveBytes) return 413;
      if (!unfinished.take(chunk.length)) return 503;
      chunks.push(chunk);
    }
    const body = Buffer.concat(chunks);
    if (encoding === 'identity') return body;
    if (!unfinished.take(limits.receiveBytes)) return 503;
    return await inflate(body, { maxOutputLength: limits.receiveBytes });
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? 413 : 400;
  } finally {
    unfinished.release();
    request.resume();
  }
}

/** Whether an Accept-Encoding header names gzip, and not with `q=0` (S-031). */
export function acceptsGzip(header: string | string[] | undefined): boolean {
  const gzip = /(?:^|,)\s*gzip\s*(?:;\s*q=([\d.]+)\s*)?(?:,|$)/i.exec(String(header ?? ''));
  return gzip !== null && Number(gzip[1] ?? 1) > 0;
}
