import { createConnection } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Limits } from '../src/limits.ts';
import {
  type AgentConnection,
  createOpampListener,
  type ListenerHandlers,
  type OpampListener,
} from '../src/node/index.ts';

/** A listener on a free port that writes down what it is told. For tests only. */
export interface TestListener {
  readonly listener: OpampListener;
  readonly port: number;
  readonly http: string;
  readonly ws: string;
  readonly messages: { readonly connection: AgentConnection; readonly payload: Uint8Array }[];
  readonly closed: AgentConnection[];
}

export async function listen(
  limits: Partial<Limits> = {},
  handlers: Partial<ListenerHandlers> = {},
): Promise<TestListener> {
  const messages: TestListener['messages'] = [];
  const closed: AgentConnection[] = [];
  const listener = createOpampListener({
    limits: { closeMs: 200, ...limits },
    handlers: {
      admit: () => undefined,
      message: (connection, payload) => {
        messages.push({ connection, payload: new Uint8Array(payload) });
        if (handlers.message) handlers.message(connection, payload);
        else connection.send([payload]);
      },
      closed: (connection) => closed.push(connection),
      ...(handlers.admit && { admit: handlers.admit }),
    },
  });
  const { port } = await listener.listen({ host: '127.0.0.1', port: 0 });
  onTestFinished(() => listener.close());
  const address = `127.0.0.1:${port}/v1/opamp`;
  return { listener, port, http: `http://${address}`, ws: `ws://${address}`, messages, closed };
}

/** Everything a server says to these raw bytes until it ends the connection or `ms` are over. */
export function raw(port: number, bytes: string | Uint8Array, ms = 5_000): Promise<string> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' }, () => socket.write(bytes));
    let said = '';
    const timer = setTimeout(() => socket.destroy(), ms);
    socket.on('data', (chunk) => {
      said += chunk.toString('latin1');
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(said);
    });
  });
}

/** Wait until it holds, or fail. */
export async function until(condition: () => boolean, ms = 3_000): Promise<void> {
  const end = performance.now() + ms;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`never came true: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
