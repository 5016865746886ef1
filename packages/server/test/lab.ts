/** A real server on real sockets and a real database, and agents that speak to it: what the server's tests share. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AgentDetail, type Client, createClient } from '@flaghoist/api';
import {
  type AgentToServer,
  decodeServerToAgent,
  encodeAgentToServer,
  formatUid,
  type InstanceUid,
  newUuidV7,
  RemoteConfigStatuses,
  type ServerToAgent,
} from '@flaghoist/opamp';
import {
  applied as appliedAlone,
  failed,
  MemoryAgent,
  type MemoryAgentOptions,
  type Outcome,
} from '@flaghoist/opamp/testing';
import { connectWebSocket, httpExchange, type WebSocketClient } from '../../opamp/test/client.ts';
import { type RunningServer, type ServerOptions, startServer } from '../src/index.ts';

export { silent } from '@flaghoist/opamp/testing';
export { failed };

/** As the Supervisor does it: the new process reports its health before APPLIED. */
export const applied: Outcome = (config) => [{ health: { healthy: true } }, ...appliedAlone(config)];

/** Does so with what has that exporter, and takes everything else. */
const where =
  (exporter: string, outcome: Outcome): Outcome =>
  (config) => {
    const text = Buffer.from(config.config?.configMap['']?.body ?? []).toString();
    return text.includes(exporter) ? outcome(config) : applied(config);
  };
export const refusing = (exporter: string): Outcome => where(exporter, failed('unknown exporter'));
/** Says APPLIED, and is not healthy with it. */
export const illWith = (exporter: string): Outcome =>
  where(exporter, (config) => [{ health: { healthy: false, lastError: 'queue is full' } }, ...appliedAlone(config)]);

const anyPort = { host: '127.0.0.1', port: 0 };

/** Options of an agent that group `edge` takes. */
export const edge = { labels: { role: 'edge' } };

/** A configuration of the story: `extra` is one more exporter of the traces pipeline. */
export const story = (extra?: string): string => `receivers:
  otlp:
    protocols:
      grpc: {}
exporters:
  otlp/primary:
    endpoint: traces-primary.internal:4317
${extra === undefined ? '' : `  ${extra}:\n    endpoint: traces-secondary.internal:4317\n`}service:
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [otlp/primary${extra === undefined ? '' : `, ${extra}`}]
`;

const text = (value: string) => ({ value: { case: 'stringValue' as const, value } });

export interface AgentOptions extends Partial<MemoryAgentOptions> {
  readonly labels?: Readonly<Record<string, string>>;
}

/** Where an agent finds its server; asked anew at each connect. */
export interface Reachable {
  readonly server: { readonly addresses: { readonly opamp: string } };
}

/** A `MemoryAgent` with a socket. Whatever it receives is kept. */
export class LabAgent extends MemoryAgent {
  readonly received: ServerToAgent[] = [];
  /** Code of the server's Close frame, once there was one. */
  closeCode: number | undefined;
  readonly #lab: Reachable;
  #socket: WebSocketClient | undefined;
  /** When true nothing is answered: the message is only kept. */
  deaf = false;

  constructor(lab: Reachable, { labels = {}, ...options }: AgentOptions = {}) {
    const uid = options.uid ?? newUuidV7(Date.now(), randomBytes(10));
    const state = {
      agentDescription: {
        identifyingAttributes: [
          { key: 'service.name', value: text('otelcol') },
          { key: 'service.instance.id', value: text(formatUid(uid)) },
        ],
        nonIdentifyingAttributes: Object.entries(labels).map(([key, value]) => ({ key, value: text(value) })),
      },
      ...options.state,
    };
    super({ outcome: applied, ...options, uid, state });
    this.#lab = lab;
  }

  async connect(first: () => AgentToServer = () => this.start()): Promise<this> {
    this.#socket = await connectWebSocket(`ws://${this.#lab.server.addresses.opamp}/v1/opamp`, {
      message: (payload) => this.#hear(decodeServerToAgent(payload)),
      closed: (code) => {
        this.closeCode = code;
      },
    });
    this.send(first());
    return this;
  }

  /** A reconnect as opamp-go does it: uid, number and capabilities only. */
  reconnect(): Promise<this> {
    return this.connect(() => this.report());
  }

  send(message: AgentToServer): void {
    this.#socket?.send(encodeAgentToServer(message));
  }

  /** One HTTP poll and all that follows from its answer. */
  async pollOverHttp(first: AgentToServer = this.report()): Promise<void> {
    const waiting = [first];
    for (let message = waiting.shift(); message !== undefined; message = waiting.shift()) {
      const { payload } = await httpExchange(
        `http://${this.#lab.server.addresses.opamp}/v1/opamp`,
        encodeAgentToServer(message),
      );
      const answer = decodeServerToAgent(payload);
      this.received.push(answer);
      waiting.push(...this.receive(answer));
    }
  }

  drop(): void {
    this.#socket?.terminate();
  }

  get hashes(): string[] {
    return this.offers.map(({ configHash }) => Buffer.from(configHash).toString('hex'));
  }

  #hear(message: ServerToAgent): void {
    this.received.push(message);
    if (this.deaf) {
      if (message.remoteConfig) this.offers.push(message.remoteConfig);
      return;
    }
    for (const answer of this.receive(message)) this.send(answer);
  }
}

/** APPLYING and nothing more. */
export const applying: Outcome = ({ configHash }) => [
  {
    remoteConfigStatus: {
      lastRemoteConfigHash: configHash,
      status: RemoteConfigStatuses.RemoteConfigStatuses_APPLYING,
    },
  },
];

export class Lab implements AsyncDisposable {
  server: RunningServer;
  client: Client;
  readonly directory: string;
  readonly agents: LabAgent[] = [];
  readonly #options: Partial<ServerOptions>;

  private constructor(server: RunningServer, directory: string, options: Partial<ServerOptions>) {
    this.server = server;
    this.#options = options;
    this.directory = directory;
    this.client = createClient({ baseUrl: `http://${server.addresses.api}` });
  }

  static async start(options: Partial<ServerOptions> = {}): Promise<Lab> {
    const directory = await mkdtemp(join(tmpdir(), 'flaghoist-lab-'));
    return new Lab(await Lab.#serve(directory, options), directory, options);
  }

  /** Set by a test in which the store fails. */
  static fatal: unknown[] | undefined;

  static #serve(data: string, options: Partial<ServerOptions>): Promise<RunningServer> {
    const onFatal = (error: unknown): void => {
      if (Lab.fatal === undefined) throw error;
      Lab.fatal.push(error);
    };
    return startServer({
      data,
      opamp: anyPort,
      api: anyPort,
      ops: anyPort,
      version: '0.0.0',
      logLevel: 'silent',
      onFatal,
      ...options,
    });
  }

  /** Stops the server and starts it again on the same data, after an outage. */
  async restart(outage: () => Promise<void> = async () => {}): Promise<void> {
    await this.#stop();
    await outage();
    this.server = await Lab.#serve(this.directory, this.#options);
    this.client = createClient({ baseUrl: `http://${this.server.addresses.api}` });
  }

  async #stop(): Promise<void> {
    await this.server.close().catch((error: unknown) => {
      if (Lab.fatal === undefined) throw error;
    });
  }

  agent(options: AgentOptions = {}): LabAgent {
    const agent = new LabAgent(this, options);
    this.agents.push(agent);
    return agent;
  }

  /** Configuration and group `edge`, which takes agents labelled `role=edge`. */
  async edge(): Promise<void> {
    await this.client.putConfiguration({ name: 'edge', body: {} });
    await this.client.putGroup({
      name: 'edge',
      body: { selector: 'role=edge', configuration: 'edge', strategy: 'all-at-once' },
    });
  }

  /** Saves a revision and starts a rollout of group `edge` to it. */
  async push(
    body: string,
    overrides: object = {},
    supersede = false,
  ): Promise<{ id: string; hash: string; number: number }> {
    const { hash, number } = await this.client.createRevision({
      name: 'edge',
      body: { files: { '': { body } }, message: 'test' },
    });
    const request = {
      group: 'edge',
      configuration: 'edge',
      revision: number,
      message: 'test',
      supersede,
      overrides,
    } as const;
    const { rollouts } = await this.client.startRollout({ body: request });
    return { id: rollouts[0]?.id ?? '', hash, number };
  }

  /** Waits until group `edge` has so many agents. */
  members(count: number) {
    return until(
      () => this.client.getGroup({ name: 'edge' }),
      (group) => group.agents === count,
    );
  }

  /** Waits until a rollout is no longer running. */
  ends(id: string) {
    return until(
      () => this.client.getRollout({ id }),
      ({ state }) => state !== 'running',
    );
  }

  detail(uid: InstanceUid): Promise<AgentDetail> {
    return this.client.getAgent({ id: uid });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const agent of this.agents) agent.drop();
    await this.#stop();
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** Waits until the agent has its one offer. */
export const offered = ({ offers }: Pick<LabAgent, 'offers'>) =>
  until(
    () => offers.length,
    (count) => count === 1,
  );

/** Asks until it holds. @throws the last answer, when it does not within the time. */
export async function until<T>(ask: () => Promise<T> | T, holds: (value: T) => boolean, millis = 8_000): Promise<T> {
  const end = Date.now() + millis;
  for (;;) {
    const value = await ask();
    if (holds(value)) return value;
    if (Date.now() > end)
      throw new Error(`still not so after ${millis} ms: ${JSON.stringify(value, null, 1)?.slice(0, 2_000)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
