import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { OpampError } from '../error.ts';
import { frame, unframe } from '../framing.ts';
import { encodeBadRequest } from '../reply.ts';
import type { Link } from '../session/session.ts';
import type { AgentConnection, Plane } from './connection.ts';

/** What comes before every message (S-011). */
const HEADER = frame(new Uint8Array());

/**
 * Serve one WebSocket of one or many agents.
 * @param stream what the socket reads from and writes to
 */
export function serveWebSocket(plane: Plane, socket: WebSocket, stream: Duplex, link: Link) {
  const { limits, handlers, share, silent } = plane;
  const unfinished = share();
  let unanswered = 0;
  let textFrames = 0;
  let largestQueued = 0;
  /** Messages held back to leave in one write. */
  let corked = 0;

  function send(parts: readonly Uint8Array[]): boolean {
    const size = parts.reduce((sum, part) => sum + part.length, 1);
    if (size > limits.sendBytes || socket.readyState !== socket.OPEN) return false;
    const queued = socket.bufferedAmount;
    largestQueued = Math.max(queued === 0 ? 0 : largestQueued, size);
    if (queued + size > largestQueued + limits.sendBufferSlackBytes) {
      // It reads too slowly to take even a Close frame (R8).
      socket.terminate();
      return false;
    }
    if (corked === 0) cork();
    // A frame for each part: the shared ones are not copied.
    for (const [i, part] of parts.entries()) {
      socket.send(i === 0 ? Buffer.concat([HEADER, part]) : part, { binary: true, fin: i === parts.length - 1 });
    }
    corked += 1;
    // What is large or much leaves at once, so that only what the reader is slow to take counts as queued.
    if (parts.length > 1 || corked === limits.answersPerWrite) uncork();
    return true;
  }

  /** What is sent in one go leaves in one write: several answers to one agent, or to many on one connection. */
  function cork(): void {
    stream.cork();
    process.nextTick(uncork);
  }

  function uncork(): void {
    corked = 0;
    stream.uncork();
  }

  const connection: AgentConnection = {
    link,
    get bufferedAmount() {
      return socket.bufferedAmount;
    },
    send,
    end: () => socket.close(1000, 'please connect again'),
  };

  /** The OpAMP message in a WebSocket message; one that has none is answered (S-012, A11). */
  function payloadOf(data: Buffer, isBinary: boolean): Uint8Array | undefined {
    try {
      if (isBinary) return unframe(data);
      throw new OpampError('malformed', 'send binary WebSocket messages, not text (S-010)');
    } catch (error) {
      send(encodeBadRequest((error as OpampError).message, data));
      return undefined;
    }
  }

  silent.add(connection);
  const hurry = setTimeout(() => socket.close(1008, 'no message came'), limits.firstMessageMs);
  /** Asks for a sign of life, or ends a connection that gave none (R8). */
  const ping = setInterval(() => {
    if (unanswered >= limits.unansweredPings) socket.terminate();
    unanswered += 1;
    socket.ping();
  }, limits.pingMs).unref();

  // Before the parser's own listener, so that a message completed by a chunk takes it off again.
  stream.prependListener('data', (chunk: Buffer) => {
    if (unfinished.take(chunk.length)) return;
    socket.close(1013, 'too many unfinished messages');
    // Read no more: what is left of the message would still be kept until the other side closes.
    socket.pause();
  });
  socket.on('pong', () => {
    unanswered = 0;
  });
  socket.on('message', (data: Buffer, isBinary) => {
    unfinished.release();
    unanswered = 0;
    const payload = payloadOf(data, isBinary);
    if (!isBinary) textFrames += 1;
    if (textFrames >= limits.textFrames) socket.close(1003, 'text frames are not understood');
    if (payload === undefined) return;
    silent.delete(connection);
    clearTimeout(hurry);
    handlers.message(connection, payload);
  });
  // The library has sent 1009, 1008 or 1002 by now; `close` follows.
  socket.on('error', () => undefined);
  socket.on('close', () => {
    clearTimeout(hurry);
    clearInterval(ping);
    unfinished.release();
    silent.delete(connection);
    handlers.closed(connection);
  });
}
