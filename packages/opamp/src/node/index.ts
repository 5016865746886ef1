/** A server's end of OpAMP over WebSocket and plain HTTP on Node. */
export type { AgentConnection, ListenerHandlers, Rejection } from './connection.ts';
export { createOpampListener, type OpampListener } from './listener.ts';
