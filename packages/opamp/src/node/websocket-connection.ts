import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { peekInstanceUid } from '../codec.ts';
import { OpampError } from '../error.ts';
import { unframe } from '../framing.ts';
import type { Limits } from '../limits.ts';
import { encodeBadRequest } from '../reply.ts';
import type { Link } from '../session/session.ts';
import type { Budget } from './budget.ts';
import type { AgentConnection, ListenerHandlers, MalformedReason } from './connection.ts';

/** Below this size one frame is cheaper than two. */
const JOIN_BELOW = 2048;

/** What a WebSocket needs from its listener. */
export interface WebSocketContext {
  readonly limits: Limits;
  readonly handlers: ListenerHandlers;
  readonly budget: Budget;
  /** Its first OpAMP message came. */
  spoke(): void;
  /** Its socket is gone. */
  ended(): void;
}

/** One WebSocket of one or many agents. */
export class WebSocketConnection implements AgentConnection {
  readonly transport = 'websocket';
  readonly uidHeader = undefined;
  readonly link: Link;
  readonly remoteAddress: string;
  readonly identity: unknown;
  /** Whether an OpAMP message has come (R17). */
  spoken = false;
  private readonly socket: WebSocket;
  private readonly stream: Duplex;
  private readonly context: WebSocketContext;
  private readonly firstMessage: NodeJS.Timeout;
  private unfinished = 0;
  private unanswered = 0;
  private textFrames = 0;
  private largestQueued = 0;

  constructor(
    socket: WebSocket,
    stream: Duplex,
    about: { readonly id: string; readonly remoteAddress: string; readonly identity: unknown },
    context: WebSocketContext,
  ) {
    this.socket = socket;
    this.stream = stream;
    this.link = { id: about.id, transport: 'websocket' };
    this.remoteAddress = about.remoteAddress;
    this.identity = about.identity;
    this.context = context;
    this.firstMessage = setTimeout(() => this.close(1008, 'no message came'), context.limits.firstMessageMs);
    // Before the parser's own listener, so that a message completed by a chunk takes it off again.
    stream.prependListener('data', (chunk: Buffer) => this.received(chunk.length));
    socket.on('message', (data: Buffer, isBinary) => this.heard(data, isBinary));
    socket.on('pong', () => this.alive());
    // The library has sent 1009, 1008 or 1002 by now; `close` follows.
    socket.on('error', () => undefined);
    socket.on('close', () => this.closed());
  }

  get id(): string {
    return this.link.id;
  }

  get bufferedAmount(): number {
    return this.socket.bufferedAmount;
  }

  send(parts: readonly Uint8Array[]): boolean {
    const { limits } = this.context;
    const size = parts.reduce((sum, part) => sum + part.length, 1);
    if (size > limits.sendBytes || this.socket.readyState !== this.socket.OPEN) return false;
    const queued = this.socket.bufferedAmount;
    this.largestQueued = Math.max(queued === 0 ? 0 : this.largestQueued, size);
    if (queued + size > this.largestQueued + limits.sendBufferSlackBytes) {
      // It reads too slowly to take even a Close frame (R8).
      this.socket.terminate();
      return false;
    }
    if (parts.length === 1 || size <= JOIN_BELOW) {
      this.socket.send(Buffer.concat([Uint8Array.of(0), ...parts], size), { binary: true });
      return true;
    }
    const [own = new Uint8Array(), ...shared] = parts;
    this.stream.cork();
    this.socket.send(Buffer.concat([Uint8Array.of(0), own]), { binary: true, fin: false });
    for (const [i, part] of shared.entries()) {
      this.socket.send(part, { binary: true, fin: i === shared.length - 1 });
    }
    this.stream.uncork();
    return true;
  }

  close(code: number, reason: string): void {
    this.socket.close(code, reason);
  }

  /** End it without a Close frame. */
  terminate(): void {
    this.socket.terminate();
  }

  /** Ask for a sign of life, or end a connection that gave none (R8). */
  ping(): void {
    if (this.unanswered >= this.context.limits.unansweredPings) this.socket.terminate();
    this.unanswered += 1;
    if (this.socket.readyState === this.socket.OPEN) this.socket.ping();
  }

  private alive(): void {
    this.unanswered = 0;
  }

  private received(bytes: number): void {
    if (this.context.budget.take(bytes)) this.unfinished += bytes;
    else {
      this.socket.close(1013, 'too many unfinished messages');
      // Read no more: what is left of the message would still be kept until the other side closes.
      this.socket.pause();
    }
  }

  private finished(): void {
    this.context.budget.giveBack(this.unfinished);
    this.unfinished = 0;
  }

  private heard(data: Buffer, isBinary: boolean): void {
    this.finished();
    this.alive();
    if (!isBinary) {
      this.text();
      return;
    }
    let payload: Uint8Array;
    try {
      payload = unframe(data);
    } catch (error) {
      this.malformed('bad-header', error, data);
      return;
    }
    if (!this.spoken) {
      this.spoken = true;
      clearTimeout(this.firstMessage);
      this.context.spoke();
    }
    this.context.handlers.message(this, payload);
  }

  private text(): void {
    this.textFrames += 1;
    this.malformed(
      'text-frame',
      new OpampError('malformed', 'send binary WebSocket messages, not text (S-010)'),
    );
    if (this.textFrames >= this.context.limits.textFrames) this.close(1003, 'text frames are not understood');
  }

  private malformed(reason: MalformedReason, error: unknown, data?: Uint8Array): void {
    const uid = data && peekInstanceUid(data);
    this.send([encodeBadRequest(error instanceof OpampError ? error.message : 'malformed message', uid)]);
    this.context.handlers.malformed(this, reason, ...(uid === undefined ? [] : [uid]));
  }

  private closed(): void {
    clearTimeout(this.firstMessage);
    this.finished();
    this.context.ended();
    this.context.handlers.closed(this);
  }
}
