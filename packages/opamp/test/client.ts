/** An agent's end of both transports, for the tests of this package and of the server. */
import { gzipSync } from 'node:zlib';
import { WebSocket } from 'ws';
import { peekInstanceUid } from '../src/codec.ts';
import { frame, unframe } from '../src/framing.ts';
import { formatUid } from '../src/instance-uid.ts';
import { defaultLimits } from '../src/limits.ts';

/** An agent's end of a WebSocket. */
export interface WebSocketClient {
  /** Send the bytes of one AgentToServer. */
  send(payload: Uint8Array): void;
  /** Close with a Close frame; say goodbye before (S-255). */
  close(): void;
  /** Break off without a word, like a crash. */
  terminate(): void;
}

/**
 * Connect an agent by WebSocket. Rejects when the server refuses or is not there.
 * @param url `ws:` or `wss:`
 * @param options.message takes the bytes of one ServerToAgent
 * @param options.closed once, with the code of the Close frame; 1006 without one
 */
export function connectWebSocket(
  url: string,
  options: { message(payload: Uint8Array): void; closed?(code: number): void },
): Promise<WebSocketClient> {
  const socket = new WebSocket(url, { perMessageDeflate: false, maxPayload: defaultLimits.sendBytes });
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('message', (data: Buffer) => options.message(unframe(data)));
    socket.on('close', (code) => options.closed?.(code));
    socket.on('open', () =>
      resolve({
        send: (payload) => socket.send(frame(payload)),
        close: () => socket.close(1000),
        terminate: () => socket.terminate(),
      }),
    );
  });
}

/**
 * Send the bytes of one AgentToServer by plain HTTP (S-027, S-029, S-032). The answer's payload is the bytes of one
 * ServerToAgent when its status is 200.
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
  const response = await fetch(url, { method: 'POST', headers, body });
  return { status: response.status, payload: new Uint8Array(await response.arrayBuffer()) };
}
