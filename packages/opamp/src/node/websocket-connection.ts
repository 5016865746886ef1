import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { peekInstanceUid } from '../codec.ts';
import { OpampError } from '../error.ts';
import { frame, unframe } from '../framing.ts';
import type { Limits } from '../limits.ts';
import { encodeBadRequest } from '../reply.ts';
import type { Link } from '../session/session.ts';
import type { Share } from './budget.ts';
import type { AgentConnection, ListenerHandlers } from './connection.ts';

/** What the connections of one listener share. */
export interface Plane {
  readonly limits: Limits;
  readonly handlers: ListenerHandlers;
  /** A share in the budget for messages that are not complete yet (R13). */
  readonly share: () => Share;
  readonly connections: Set<WebSocketConnection>;
  /** Those that have not sent an OpAMP message (R17). */
  readonly silent: Set<WebSocketConnection>;
}

/** One WebSocket of one or many agents. */
export class WebSocketConnection implements AgentConnection {
  readonly transport = 'websocket';
  readonly uidHeader = undefined;
  readonly id: string;
  readonly link: Link;
  readonly identity: unknown;
  private readonly plane: Plane;
  private readonly socket: WebSocket;
  private readonly stream: Duplex;
  private readonly timers: readonly NodeJS.Timeout[];
  private readonly unfinished: Share;
  private unanswered = 0;
  private textFrames = 0;
  private largestQueued = 0;

  constructor(plane: Plane, socket: WebSocket, stream: Duplex, id: string, identity: unknown) {
    this.plane = plane;
    this.unfinished = plane.share();
    this.socket = socket;
    this.stream = stream;
    this.id = id;
    this.link = { id, transport: 'websocket' };
    this.identity = identity;
    plane.connections.add(this);
    plane.silent.add(this);
    const { firstMessageMs, pingMs } = plane.limits;
    const hurry = setTimeout(() => {
      if (plane.silent.has(this)) this.close(1008, 'no message came');
    }, firstMessageMs);
    this.timers = [hurry, setInterval(() => this.ping(), pingMs).unref()];
    // Before the parser's own listener, so that a message completed by a chunk takes it off again.
    stream.prependListener('data', (chunk: Buffer) => this.received(chunk.length));
    socket.on('message', (data: Buffer, isBinary) => this.heard(data, isBinary));
    socket.on('pong', () => {
      this.unanswered = 0;
    });
    // The library has sent 1009, 1008 or 1002 by now; `close` follows.
    socket.on('error', () => undefined);
    socket.on('close', () => this.closed());
  }

  get bufferedAmount(): number {
    return this.socket.bufferedAmount;
  }

  send(parts: readonly Uint8Array[]): boolean {
    const { limits } = this.plane;
    const size = parts.reduce((sum, part) => sum + part.length, 1);
    if (size > limits.sendBytes || this.socket.readyState !== this.socket.OPEN) return false;
    const queued = this.bufferedAmount;
    this.largestQueued = Math.max(queued === 0 ? 0 : this.largestQueued, size);
    if (queued + size > this.largestQueued + limits.sendBufferSlackBytes) {
      // It reads too slowly to take even a Close frame (R8).
      this.socket.terminate();
      return false;
    }
    // A frame for each part: the shared ones are not copied.
    this.stream.cork();
    for (const [i, part] of parts.entries()) {
      this.socket.send(i === 0 ? frame(part) : part, { binary: true, fin: i === parts.length - 1 });
    }
    this.stream.uncork();
    return true;
  }

  close(code: number, reason: string): void {
    this.socket.close(code, reason);
  }

  /** Ask for a sign of life, or end a connection that gave none (R8). */
  private ping(): void {
    if (this.unanswered >= this.plane.limits.unansweredPings) this.socket.terminate();
    this.unanswered += 1;
    this.socket.ping();
  }

  private received(bytes: number): void {
    if (this.unfinished.take(bytes)) return;
    this.socket.close(1013, 'too many unfinished messages');
    // Read no more: what is left of the message would still be kept until the other side closes.
    this.socket.pause();
  }

  private heard(data: Buffer, isBinary: boolean): void {
    this.unfinished.release();
    this.unanswered = 0;
    let payload: Uint8Array;
    try {
      if (!isBinary) throw new OpampError('malformed', 'send binary WebSocket messages, not text (S-010)');
      payload = unframe(data);
    } catch (error) {
      const refused = error as OpampError;
      this.send([encodeBadRequest(refused.message, peekInstanceUid(data))]);
      this.plane.handlers.malformed(this, refused);
      if (!isBinary) this.textFrames += 1;
      if (this.textFrames >= this.plane.limits.textFrames) this.close(1003, 'text frames are not understood');
      return;
    }
    this.plane.silent.delete(this);
    this.plane.handlers.message(this, payload);
  }

  private closed(): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.unfinished.release();
    this.plane.connections.delete(this);
    this.plane.silent.delete(this);
    this.plane.handlers.closed(this);
  }
}
