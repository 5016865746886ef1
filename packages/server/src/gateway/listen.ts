import { createOpampListener, type OpampListener } from '@flaghoist/opamp/node';
import type { Gateway } from './gateway.ts';

/** Opens the port for agents. Nobody is refused yet: agents have no credentials, so the address is loopback. */
export const createAgentListener = (gateway: Gateway): OpampListener =>
  createOpampListener({
    handlers: {
      admit: () => undefined,
      message: (connection, payload) => gateway.message(connection, payload),
      closed: (connection) => gateway.closed(connection),
    },
  });
