import { type AgentConnection, createOpampListener, type OpampListener } from '@flaghoist/opamp/node';
import type { Gateway } from './gateway.ts';

/** Opens the port for agents. Nobody is refused yet: agents have no credentials, so the address is loopback. */
export function createAgentListener(gateway: Gateway): OpampListener {
  return createOpampListener({
    handlers: {
      admit: () => ({ accept: true }),
      message: (connection: AgentConnection, payload) => gateway.message(connection, payload),
      malformed: () => {},
      closed: (connection) => gateway.closed(connection),
    },
  });
}
