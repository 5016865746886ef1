import { randomInt } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocketServer } from 'ws';
import type { Limits } from '../limits.ts';
import type { Budget } from './budget.ts';
import type { ListenerHandlers } from './connection.ts';
import { WebSocketConnection } from './websocket-connection.ts';

/** Pings go out in this many portions per period, not all at once. */
const PING_SLOTS = 30;

/** The open WebSockets of a listener. */
export class WebSocketPool {
  readonly connections = new Set<WebSocketConnection>();
  private readonly limits: Limits;
  private readonly handlers: ListenerHandlers;
  private readonly budget: Budget;
  private readonly server: WebSocketServer;
  private readonly slots = Array.from({ length: PING_SLOTS }, () => new Set<WebSocketConnection>());
  private readonly pinger: NodeJS.Timeout;
  private accepted = 0;
  private ticks = 0;
  private silent = 0;

  constructor(limits: Limits, handlers: ListenerHandlers, budget: Budget) {
    this.limits = limits;
    this.handlers = handlers;
    this.budget = budget;
    const options = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: limits.receiveBytes,
      maxFragments: limits.fragments,
      closeTimeout: limits.closeMs,
    };
    this.server = new WebSocketServer(options);
    this.pinger = setInterval(() => this.ping(), limits.pingMs / PING_SLOTS).unref();
  }

  /** Whether too many connections say nothing to take one more (R17). */
  get crowded(): boolean {
    return this.silent >= this.limits.connections * this.limits.silentShare;
  }

  /** Finish the upgrade. The library answers 400 or 405 itself when the request is none. */
  accept(
    request: IncomingMessage,
    stream: Duplex,
    head: Buffer,
    about: { readonly id: string; readonly identity: unknown },
  ): void {
    this.server.handleUpgrade(request, stream, head, (socket) => {
      const remoteAddress = request.socket.remoteAddress ?? '';
      const slot = this.slots[this.accepted++ % PING_SLOTS];
      const connection = new WebSocketConnection(
        socket,
        stream,
        { ...about, remoteAddress },
        {
          limits: this.limits,
          budget: this.budget,
          handlers: this.handlers,
          spoke: () => {
            this.silent -= 1;
          },
          ended: () => {
            if (!connection.spoken) this.silent -= 1;
            this.connections.delete(connection);
            slot?.delete(connection);
          },
        },
      );
      this.silent += 1;
      this.connections.add(connection);
      slot?.add(connection);
    });
  }

  /** Close all with 1001, in random order, evenly over `drainMs` (S-254, R10). */
  async drain(drainMs: number): Promise<void> {
    const order = [...this.connections]
      .map((connection) => ({ connection, rank: randomInt(2 ** 32) }))
      .sort((a, b) => a.rank - b.rank);
    const started = performance.now();
    for (const [i, { connection }] of order.entries()) {
      const wait = started + (drainMs * i) / order.length - performance.now();
      if (wait > 0) await sleep(wait);
      connection.close(1001, 'the server is going away');
    }
  }

  /** End what is left, without a word. */
  stop(): void {
    clearInterval(this.pinger);
    for (const connection of this.connections) connection.terminate();
  }

  private ping(): void {
    this.ticks += 1;
    for (const connection of this.slots[this.ticks % PING_SLOTS] ?? []) connection.ping();
  }
}
