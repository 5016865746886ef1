/** OpAMP over WebSocket and plain HTTP on Node: the listener of a server, and the agent's end of both. */
export * from './client.ts';
export * from './connection.ts';
export * from './listener.ts';
