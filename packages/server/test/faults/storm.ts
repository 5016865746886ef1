/** Agents that all come back at once over real sockets, as opamp-go does: at once, then ever later, as `Retry-After` says (R9). */
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { createAgentListener } from '../../src/gateway/listen.ts';
import { type Random, randomOf } from '../random.ts';

export interface Storm {
  readonly agents: number;
  /** Let in per second; as many at once before that. */
  readonly perSecond: number;
  readonly seed: number;
}

export interface Outcome {
  /** When 99 of 100 were in, ms after the door opened. */
  readonly t99: number;
  readonly attempts: number;
  /** The most that were let in within any second. */
  readonly busiest: number;
}

/** 0 when it was let in, else after how long to come again, ms; the socket stays open. */
function attempt(url: string, open: (socket: WebSocket) => void): Promise<number> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    socket.on('open', () => {
      open(socket);
      resolve(0);
    });
    socket.on('unexpected-response', (_, { headers }) => {
      socket.terminate();
      resolve(Number(headers['retry-after'] ?? 0) * 1_000);
    });
    // Refused by the backlog: like a server that is not there.
    socket.on('error', () => resolve(1));
  });
}

async function comeBack(url: string, random: Random, open: (socket: WebSocket) => void): Promise<number> {
  let backoff = 500;
  for (let attempts = 1; ; attempts += 1) {
    const wait = await attempt(url, open);
    if (wait === 0) return attempts;
    await sleep(Math.max(wait, backoff * (0.5 + random())));
    backoff = Math.min(60_000, backoff * 1.5);
  }
}

export async function storm({ agents, perSecond, seed }: Storm): Promise<Outcome> {
  const random = randomOf(seed);
  const rate = { perSecond, burst: perSecond };
  const gateway = { message: () => undefined, closed: () => undefined };
  const listener = createAgentListener(gateway, () => performance.now(), rate);
  const { host, port } = await listener.listen({ host: '127.0.0.1', port: 0 });
  const began = performance.now();
  const admitted: number[] = [];
  const sockets: WebSocket[] = [];
  const open = (socket: WebSocket): void => {
    sockets.push(socket);
    admitted.push(performance.now() - began);
  };
  const tries = Array.from({ length: agents }, async () => {
    await sleep(random() * 500);
    return comeBack(`ws://${host}:${port}/v1/opamp`, random, open);
  });
  const attempts = (await Promise.all(tries)).reduce((sum, count) => sum + count, 0);
  for (const socket of sockets) socket.terminate();
  await listener.close();
  let busiest = 0;
  for (let from = 0, to = 0; to < admitted.length; to += 1) {
    while ((admitted[to] ?? 0) - (admitted[from] ?? 0) > 1_000) from += 1;
    busiest = Math.max(busiest, to - from + 1);
  }
  return { t99: admitted[Math.floor(agents * 0.99)] ?? Number.POSITIVE_INFINITY, attempts, busiest };
}
