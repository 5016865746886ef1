import type { IncomingHttpHeaders } from 'node:http';
import type { InstanceUid } from '../instance-uid.ts';
import type { Link } from '../session/session.ts';

/** A WebSocket, or one HTTP exchange: what a message came over and its answer goes over. */
export interface AgentConnection {
  /** Unique per WebSocket, and per HTTP exchange. */
  readonly id: string;
  readonly transport: 'websocket' | 'http';
  /** What the session calls a link: this WebSocket, or HTTP in this boot of the server. */
  readonly link: Link;
  readonly remoteAddress: string;
  /** What `admit` said about who is calling. */
  readonly identity: unknown;
  /** The `OpAMP-Instance-UID` header, for messages that cannot be read; the body decides otherwise (S-032). */
  readonly uidHeader: InstanceUid | undefined;
  /** Bytes given to `send` that have not left the process. */
  readonly bufferedAmount: number;
  /**
   * Send one ServerToAgent, given as the parts of `encodeReply`. On HTTP this is the response, so exactly once.
   * `false` when it was not sent: over the size limit (S-022, S-041), a reader too slow (the connection is ended, R8),
   * already answered, or closed. Worth recording (S-023, S-042).
   */
  send(parts: readonly Uint8Array[]): boolean;
  /** End it, on WebSocket with a Close frame (S-254). An HTTP exchange without answer ends with 503. */
  close(code: number, reason: string): void;
}

/** Who wants to connect. */
export interface AdmissionRequest {
  readonly remoteAddress: string;
  readonly headers: IncomingHttpHeaders;
  readonly transport: 'websocket' | 'http';
}

/** Whether it may. A refusal is the HTTP status of the upgrade or of the exchange. */
export type Admission =
  | { readonly accept: true; readonly identity?: unknown }
  | {
      readonly accept: false;
      readonly status: 401 | 403 | 429 | 503;
      /** Spread these: clients add no jitter of their own. */
      readonly retryAfterSeconds?: number | undefined;
    };

/** What is wrong with a WebSocket message that carries no OpAMP message. Already answered with BAD_REQUEST. */
export type MalformedReason = 'text-frame' | 'bad-header';

/** What the listener calls. An exception in the others is a fault of the program and is not caught. */
export interface ListenerHandlers {
  /** Before any body is read, and before the upgrade (R15). An exception counts as 503. */
  admit(request: AdmissionRequest): Admission | Promise<Admission>;
  /** The bytes of one AgentToServer. A view into a larger buffer: copy what is to be kept. */
  message(connection: AgentConnection, payload: Uint8Array): void;
  malformed(connection: AgentConnection, reason: MalformedReason, uidHint?: InstanceUid): void;
  /** Once per connection that had a message or an upgrade: the WebSocket or the exchange is over. */
  closed(connection: AgentConnection): void;
}
