import type { Load, Seen } from './load.ts';
import { Measured } from './process.ts';

/** A configuration of about so many bytes, most of them comments: agents do not report those, so effective configs keep their size. */
export function configOf(bytes: number): string {
  const comments = Array.from({ length: Math.round(bytes / 64) }, (_, line) => `# ${`line ${line}`.padEnd(61, '.')}\n`);
  return `${comments.join('')}receivers: { otlp: { protocols: { grpc: {} } } }
processors:
  batch: { timeout: 5s }
  resource: { attributes: [{ key: size, value: "${bytes}", action: upsert }] }
exporters:
  otlp/primary: { endpoint: "traces-primary.internal:4317" }
  otlp/secondary: { endpoint: "traces-secondary.internal:4317" }
service:
  pipelines:
    traces: { receivers: [otlp], processors: [resource, batch], exporters: [otlp/primary, otlp/secondary] }
`;
}

interface FleetOptions {
  readonly url: string;
  readonly agents: number;
  /** One process can hold about 16,000 connections. */
  readonly processes: number;
  readonly effectiveSize: number;
}

/** The simulated agents, in processes of their own. Each agent says something once in `agents / 1,000` seconds. */
export class Fleet {
  readonly #loads: readonly Measured[];

  constructor({ url, agents, processes, effectiveSize }: FleetOptions) {
    this.#loads = Array.from({ length: processes }, (_, i) => {
      const share = Math.floor((agents * (i + 1)) / processes) - Math.floor((agents * i) / processes);
      const heartbeat = `${Math.max(1, Math.round(agents / 1_000))}s`;
      const load: Load = { url, agents: share, seed: i + 1, effectiveSize, heartbeat, config: configOf(200) };
      return new Measured('load.ts', [JSON.stringify(load)], /^ready$/);
    });
  }

  /** Lets all agents connect, as fast as they can. */
  start(): void {
    for (const load of this.#loads) void load.ready.then(() => load.tell('start'));
  }

  async seen(): Promise<Seen> {
    const all = await Promise.all(this.#loads.map((load) => load.ask<Seen>('count')));
    const sum = (of: (seen: Seen) => number): number => all.reduce((total, one) => total + of(one), 0);
    return { connections: sum(({ connections }) => connections), offers: sum(({ offers }) => offers) };
  }

  async close(): Promise<void> {
    await Promise.all(this.#loads.map((load) => load.end('SIGTERM')));
  }
}
