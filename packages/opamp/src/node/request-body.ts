import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Limits } from '../limits.ts';
import type { Share } from './budget.ts';

const inflate = promisify(gunzip);

/**
 * Read the body of an HTTP request within its limits, sent and inflated (S-038, R15), or give the HTTP status that
 * refuses it. What follows a refusal is read by node and thrown away, so that the client gets to see the answer; the
 * request timeout ends that.
 */
export async function readBody(
  request: IncomingMessage,
  limits: Limits,
  unfinished: Share,
): Promise<Uint8Array | 400 | 413 | 415 | 503> {
  const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (encoding !== 'identity' && encoding !== 'gzip') return 415;
  if (Number(request.headers['content-length'] ?? 0) > limits.receiveBytes) return 413;
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
