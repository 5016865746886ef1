import { gzipSync } from 'node:zlib';
import { WebSocket } from 'ws';
import { peekInstanceUid } from '../codec.ts';
import { OpampError } from '../error.ts';
import { frame, unframe } from '../framing.ts';
import { formatUid } from '../instance-uid.ts';
import { defaultLimits } from '../limits.ts';

/** What an agent does with its WebSocket. */
export interface WebSocketClientOptions {
  /** The bytes of one ServerToAgent. */
  message(payload: Uint8Array): void;
  /** Once, with the code of the Close frame; 1006 without one. */
  closed?(code: number, reason: string): void;
}

/** An agent's end of a WebSocket. */
export interface WebSocketClient {
  /** Send the bytes of one AgentToServer. */
  send(payload: Uint8Array): void;
  /** Close with a Close frame; say goodbye before (S-255). */
  close(code?: number): void;
  /** Break off without a word, like a crash. */
  terminate(): void;
}

/** The server said no before the protocol began. */
export class HandshakeError extends OpampError {
  /** The HTTP status of the answer. */
  readonly status: number;
  readonly retryAfter: string | undefined;

  constructor(status: number, retryAfter: string | undefined) {
    super('closed', `the server refused the WebSocket with HTTP ${status}`);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/**
 * Connect an agent by WebSocket.
 * @param url `ws:` or `wss:`
 * Rejects with a `HandshakeError`, or with an `OpampError` of code `closed` when there is no server.
 */
export function connectWebSocket(url: string, options: WebSocketClientOptions): Promise<WebSocketClient> {
  const socket = new WebSocket(url, { perMessageDeflate: false, maxPayload: defaultLimits.sendBytes });
  return new Promise((resolve, reject) => {
    socket.on('unexpected-response', (request, response) => {
      request.destroy();
      reject(new HandshakeError(response.statusCode ?? 0, response.headers['retry-after']));
    });
    socket.on('error', (cause) => reject(new OpampError('closed', `no connection to ${url}`, { cause })));
    socket.on('message', (data: Buffer) => options.message(unframe(data)));
    socket.on('close', (code, reason) => options.closed?.(code, reason.toString()));
    socket.on('open', () =>
      resolve({
        send: (payload) => socket.send(frame(payload)),
        close: (code = 1000) => socket.close(code),
        terminate: () => socket.terminate(),
      }),
    );
  });
}

/**
 * Send the bytes of one AgentToServer by plain HTTP (S-027, S-029, S-032). The answer's payload is the bytes of one
 * ServerToAgent when its status is 200. Rejects with an `OpampError` of code `closed` when there is no answer.
 * @param url `http:` or `https:`
 */
export async function httpExchange(
  url: string,
  payload: Uint8Array,
  options: { readonly headers?: Readonly<Record<string, string>>; readonly gzip?: boolean } = {},
): Promise<{ readonly status: number; readonly payload: Uint8Array }> {
  const uid = peekInstanceUid(payload);
  const headers = {
    'Content-Type': 'application/x-protobuf',
    ...(uid !== undefined && { 'OpAMP-Instance-UID': formatUid(uid) }),
    ...(options.gzip === true && { 'Content-Encoding': 'gzip' }),
    ...options.headers,
  };
  const body = new Uint8Array(options.gzip === true ? gzipSync(payload) : payload);
  try {
    const response = await fetch(url, { method: 'POST', headers, body });
    return { status: response.status, payload: new Uint8Array(await response.arrayBuffer()) };
  } catch (cause) {
    throw new OpampError('closed', `no answer from ${url}`, { cause });
  }
}
