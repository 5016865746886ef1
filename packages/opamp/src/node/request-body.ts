import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Limits } from '../limits.ts';
import type { Budget } from './budget.ts';

const inflate = promisify(gunzip);

/** A body, or the HTTP status that refuses it. */
export type Body = { readonly payload: Uint8Array } | { readonly status: 400 | 413 | 415 | 503 };

/**
 * Read the body of an HTTP request within its limits, sent and inflated (S-038, R15). What follows a refusal is
 * read by node and thrown away, so that the client gets to see the answer; the request timeout ends that.
 */
export async function readBody(request: IncomingMessage, limits: Limits, budget: Budget): Promise<Body> {
  const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (encoding !== 'identity' && encoding !== 'gzip') return { status: 415 };
  if (Number(request.headers['content-length'] ?? 0) > limits.receiveBytes) return { status: 413 };
  const body = await collect(request, limits, budget);
  if ('status' in body || encoding === 'identity') return body;
  if (!budget.take(limits.receiveBytes)) return { status: 503 };
  try {
    return { payload: await inflate(body.payload, { maxOutputLength: limits.receiveBytes }) };
  } catch (error) {
    const tooLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    return { status: tooLarge ? 413 : 400 };
  } finally {
    budget.giveBack(limits.receiveBytes);
  }
}

function collect(request: IncomingMessage, limits: Limits, budget: Budget): Promise<Body> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const end = (body: Body) => {
      request.off('data', take);
      budget.giveBack(size);
      size = 0;
      resolve(body);
    };
    const take = (chunk: Buffer) => {
      if (size + chunk.length > limits.receiveBytes) return end({ status: 413 });
      if (!budget.take(chunk.length)) return end({ status: 503 });
      size += chunk.length;
      chunks.push(chunk);
    };
    request.on('data', take);
    request.once('end', () => end({ payload: Buffer.concat(chunks) }));
    request.once('close', () => end({ status: 400 }));
  });
}
