import type { IncomingMessage } from 'node:http';
import type { InstanceUid } from '../instance-uid.ts';
import type { Limits } from '../limits.ts';
import type { Link } from '../session/session.ts';
import type { createBudget } from './budget.ts';

/** A WebSocket, or one HTTP exchange: what a message came over and its answer goes over. */
export interface AgentConnection {
  /** What the session calls a link: this WebSocket, or HTTP in this boot of the server. */
  readonly link: Link;
  /** The `OpAMP-Instance-UID` header, for messages that cannot be read; the body decides otherwise (S-032). */
  readonly uidHeader?: InstanceUid | undefined;
  /** Bytes given to `send` that have not left the process. */
  readonly bufferedAmount: number;
  /**
   * Send one ServerToAgent, given as the parts of `encodeReply`. On HTTP this is the response, so exactly once.
   * `false` when it was not sent: over the size limit (S-022, S-041), a reader too slow (the connection is ended, R8),
   * already answered, or closed. Worth recording (S-023, S-042).
   */
  send(parts: readonly Uint8Array[]): boolean;
  /**
   * Close the WebSocket (1000), so that the agent comes back over another one, at once (real clients wait for nothing);
   * `closed` follows. Over HTTP there is nothing to close.
   */
  end(): void;
}

/** The HTTP answer that refuses a request or an upgrade. */
export interface Rejection {
  /** HTTP status, such as 401, 403, 429 or 503 (S-266). */
  readonly status: number;
  /** `WWW-Authenticate` belongs to 401. Spread `Retry-After` (S-267): clients add no jitter of their own. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What the listener calls. An exception in the others than `admit` is a fault of the program and is not caught. */
export interface ListenerHandlers {
  /**
   * Whether who sent this head may connect; `undefined` when it may. Called before any body is read, and before the
   * upgrade (R15). An exception counts as 503.
   */
  admit(head: IncomingMessage): Rejection | undefined | Promise<Rejection | undefined>;
  /** The bytes of one AgentToServer. A view into a larger buffer: copy what is to be kept. */
  message(connection: AgentConnection, payload: Uint8Array): void;
  /** Once per connection that had a message or an upgrade: the WebSocket or the exchange is over. */
  closed(connection: AgentConnection): void;
}

/** What the connections of one listener share. */
export interface Plane {
  readonly limits: Limits;
  readonly handlers: ListenerHandlers;
  /** A new share in the budget for messages that are not complete yet (R13). */
  readonly share: ReturnType<typeof createBudget>;
  /** WebSockets that have not sent an OpAMP message (R17). */
  readonly silent: Set<AgentConnection>;
}
