import { createOpampListener, type OpampListener } from '@flaghoist/opamp/node';
import type { Now } from '../clock.ts';
import { SERVER_LIMITS } from '../limits.ts';
import type { Gateway } from './gateway.ts';
import { type Pace, virtualQueue } from './virtual-queue.ts';

/**
 * Opens the port for agents. Nobody is refused for good yet: agents have no credentials, so the address is loopback. Who
 * comes in a herd gets 503 and the time of its turn, before the upgrade or the body (S-266, S-267, R9).
 */
export function createAgentListener(
  gateway: Pick<Gateway, 'message' | 'closed'>,
  now: Now,
  pace: Pace = SERVER_LIMITS.arrivals,
): OpampListener {
  const queues = { connects: virtualQueue(pace), polls: virtualQueue(pace) };
  return createOpampListener({
    handlers: {
      admit: ({ headers }) => {
        const wait = (headers.upgrade === undefined ? queues.polls : queues.connects)(now());
        return wait === 0 ? undefined : { status: 503, headers: { 'Retry-After': String(Math.ceil(wait / 1_000)) } };
      },
      message: (connection, payload) => gateway.message(connection, payload),
      closed: (connection) => gateway.closed(connection),
    },
  });
}
