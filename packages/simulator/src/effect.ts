import type { ServerToAgent } from '@flaghoist/opamp';

/** What an agent asks of the sockets; payloads are messages in pieces, to be joined. `connect` and `post` are answered by events, the others are not. */
export type Effect =
  /** Open the WebSocket: `opened`, or `refused`. */
  | { readonly do: 'connect' }
  /** Send over the open WebSocket. */
  | { readonly do: 'send'; readonly payload: readonly Uint8Array[] }
  /** POST: `answered`, or `refused`. Never while another one is under way. */
  | { readonly do: 'post'; readonly payload: readonly Uint8Array[] }
  /** Close the WebSocket in good order with 1000. */
  | { readonly do: 'close' }
  /** Break off the connection or request without a word. No event follows. */
  | { readonly do: 'drop' }
  /** Read nothing more from the WebSocket. */
  | { readonly do: 'stop-reading' };

/** What happens to an agent. */
export type AgentEvent =
  /** The WebSocket is open. */
  | { readonly on: 'opened' }
  /** The WebSocket or the request came to nothing, or the status was 429 or 503. */
  | { readonly on: 'refused'; readonly retryAfterMs?: number | undefined }
  /** The open WebSocket has ended. */
  | { readonly on: 'closed' }
  /** A message on the WebSocket. */
  | { readonly on: 'received'; readonly message: ServerToAgent }
  /** The answer to a POST; without message when the status was not 200 or the body is unreadable. */
  | { readonly on: 'answered'; readonly message?: ServerToAgent | undefined }
  /** Some deadline has passed. */
  | { readonly on: 'time' }
  /** An `offline-until` without end may reach the server again. */
  | { readonly on: 'release' }
  /** The Supervisor is told to end. */
  | { readonly on: 'stop' };
