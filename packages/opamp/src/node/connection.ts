import type { IncomingHttpHeaders } from 'node:http';
import type { OpampError } from '../error.ts';
import type { InstanceUid } from '../instance-uid.ts';
import type { Link } from '../session/session.ts';

/** A WebSocket, or one HTTP exchange: what a message came over and its answer goes over. Named as its link. */
export interface AgentConnection extends Link {
  /** What the session calls a link: this WebSocket, or HTTP in this boot of the server. */
  readonly link: Link;
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
  readonly transport: Link['transport'];
}

/** The HTTP answer that refuses a request or an upgrade. */
export interface Rejection {
  readonly status: number;
  /** `WWW-Authenticate` belongs to 401. Spread `Retry-After` (S-267): clients add no jitter of their own. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Whether it may. */
export type Admission =
  | { readonly accept: true; readonly identity?: unknown }
  | ({ readonly accept: false } & Rejection);

/** What the listener calls. An exception in the others than `admit` is a fault of the program and is not caught. */
export interface ListenerHandlers {
  /** Before any body is read, and before the upgrade (R15). An exception counts as 503. */
  admit(request: AdmissionRequest): Admission | Promise<Admission>;
  /** The bytes of one AgentToServer. A view into a larger buffer: copy what is to be kept. */
  message(connection: AgentConnection, payload: Uint8Array): void;
  /** A WebSocket message that carries no OpAMP message. Already answered with BAD_REQUEST. */
  malformed(connection: AgentConnection, error: OpampError): void;
  /** Once per connection that had a message or an upgrade: the WebSocket or the exchange is over. */
  closed(connection: AgentConnection): void;
}
