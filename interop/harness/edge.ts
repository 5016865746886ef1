import type { Push } from './api.ts';
import { collectorConfig } from './collector-config.ts';
import { connected, proven } from './expectations.ts';
import type { Lab } from './lab.ts';
import { type OtlpSink, otlpSink } from './otlp.ts';
import { type Server, startServer } from './server.ts';
import { type Supervisor, type SupervisorOptions, startSupervisor } from './supervisor.ts';

type Options = Partial<SupervisorOptions>;

/** Our server, a telemetry backend, and Supervisors, each in a group of its own that has its name. */
export class Edge {
  readonly lab: Lab;
  readonly server: Server;
  readonly primary: OtlpSink;

  constructor(lab: Lab, server: Server, primary: OtlpSink) {
    this.lab = lab;
    this.server = server;
    this.primary = primary;
  }

  /** A pipeline to the backend; texts differ by the marker. */
  config(marker: string): string {
    return collectorConfig({ exporters: { 'otlp/primary': this.primary }, marker });
  }

  /** A Supervisor that the server knows and calls healthy, over WebSocket unless told otherwise. */
  async start(name: string, options?: Options): Promise<Supervisor> {
    await this.server.api.createGroup(name, name);
    const supervisor = await startSupervisor(this.lab, {
      name,
      role: name,
      endpoint: this.server.websocketUrl,
      ...options,
    });
    await connected(this.server, supervisor);
    return supervisor;
  }

  /** The same, proven to run a first push, `config(name)`. */
  async startProven(name: string, options?: Options): Promise<[Supervisor, Push]> {
    const supervisor = await this.start(name, options);
    const push = await this.server.api.push(name, this.config(name), 'first');
    await proven(this.server, supervisor, push.revision);
    return [supervisor, push];
  }
}

export async function startEdge(lab: Lab): Promise<Edge> {
  const [server, primary] = await Promise.all([startServer(lab), otlpSink(lab)]);
  return new Edge(lab, server, primary);
}
