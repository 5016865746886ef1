import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import { supervisorSettings } from '../../packages/flaghoist/src/demo/real-agents.ts';
import { Child } from './child.ts';
import { freePort, type Lab } from './lab.ts';
import { childrenOf } from './processes.ts';
import { until } from './until.ts';

export interface SupervisorOptions {
  /** Becomes the attribute `interop.name`, and the name of its directory. */
  readonly name: string;
  /** The server's OpAMP URL; its scheme chooses the transport. */
  readonly endpoint: string;
  /** Becomes the attribute `role`, for selectors. */
  readonly role: string;
  /** A configuration of its own, which it runs without a server. */
  readonly localConfig?: string;
  readonly validateConfig?: boolean;
}

/** A remote config status as the Supervisor keeps it on disk: written before it is sent. */
export interface PersistedStatus {
  readonly hash: string;
  readonly status: 'UNSET' | 'APPLIED' | 'APPLYING' | 'FAILED';
}

/** How long the Supervisor waits before it says APPLIED, and the longest it gives the Collector. */
export const APPLY_TIMEOUT_MS = 3_000;

const STATUSES = ['UNSET', 'APPLIED', 'APPLYING', 'FAILED'] as const;

/** A real Supervisor with a real Collector. What it did is read from its own log and files, not from our server. */
export class Supervisor {
  readonly name: string;
  readonly directory: string;
  /** Port of the Collector's OTLP/HTTP receiver, if its configuration has one on `${env:OTLP_PORT}`. */
  readonly otlpPort: number;
  readonly #child: Child;

  constructor(lab: Lab, options: SupervisorOptions, otlpPort: number) {
    this.name = options.name;
    this.directory = join(lab.directory, options.name);
    this.otlpPort = otlpPort;
    mkdirSync(this.directory);
    if (options.localConfig !== undefined) writeFileSync(join(this.directory, 'local.yaml'), options.localConfig);
    const config = join(this.directory, 'supervisor.json');
    writeFileSync(config, this.#settings(options));
    const log = join(this.directory, 'supervisor.log');
    this.#child = new Child(inject('supervisor'), ['--config', config], log);
    lab.onClose(() => this.stop());
  }

  /** The instance uid, 32 hex digits. */
  get uid(): string {
    const uid = this.#state().match(/^instance_id: "?([0-9a-f-]+)/m)?.[1];
    if (uid === undefined) throw new Error(`${this.name} has no instance uid yet`);
    return uid.replaceAll('-', '');
  }

  /** Hashes (hex) of the remote configurations it received from the server, repetitions included. */
  offers(): string[] {
    return this.#logged('Received remote config from server').map((line) => String(line['hash']));
  }

  /** Process ids of the Collectors it has run, in order; bootstrap left out. */
  collectors(): number[] {
    // The first two starts are `featuregate` and the bootstrap.
    return this.#logged('Agent process started')
      .map((line) => Number(line['pid']))
      .slice(2);
  }

  /** The Collector that lives now. */
  collectorPid(): number | undefined {
    return childrenOf(this.#child.pid).find(({ args }) => args[1] === '--config')?.pid;
  }

  /** Error texts with which it refused configurations before starting a Collector. */
  refusals(): string[] {
    return this.#logged('Error composing merged config. Reporting failed remote config status.').map((line) =>
      String(line['error']),
    );
  }

  persisted(): PersistedStatus {
    const state = this.#state();
    const status = STATUSES[Number(state.match(/^ +status: (\d)/m)?.[1] ?? 0)] ?? 'UNSET';
    return { hash: state.match(/^ +last_remote_config_hash: "?([0-9a-f]*)/m)?.[1] ?? '', status };
  }

  /** Waits until the bootstrap is over and the Collector proper runs. */
  async ready(): Promise<this> {
    await until(`${this.name} runs its Collector`, () => {
      assert(this.#child.running, `${this.name} ended: ${this.#child.log().slice(-2_000)}`);
      const collector = this.collectors().length > 0 && this.collectorPid();
      if (!collector) throw new Error(`no Collector; remote configurations received: ${this.offers().length}`);
      return collector;
    });
    return this;
  }

  /** In order, as an operator would: the Collector is stopped, too. */
  async stop(): Promise<void> {
    const collector = this.collectorPid();
    await this.#child.end('SIGINT');
    if (collector !== undefined) killIfAlive(collector);
  }

  #settings({ endpoint, role, localConfig, validateConfig = false }: SupervisorOptions): string {
    return supervisorSettings({
      endpoint,
      directory: this.directory,
      collector: inject('collector'),
      env: { OTLP_PORT: String(this.otlpPort) },
      attributes: { role, 'interop.name': this.name },
      applyTimeoutMs: APPLY_TIMEOUT_MS,
      configFiles: localConfig === undefined ? [] : [join(this.directory, 'local.yaml')],
      validateConfig,
    });
  }

  #state(): string {
    for (;;) {
      const text = readFileSync(join(this.directory, 'storage/persistent_state.yaml'), 'utf8');
      if (text !== '') return text; // Else it is being written.
    }
  }

  #logged(message: string): Record<string, unknown>[] {
    return this.#child
      .log()
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}') && line.includes(`"msg":"${message}`))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }
}

/** Starts a Supervisor and waits until its Collector runs. */
export async function startSupervisor(lab: Lab, options: SupervisorOptions): Promise<Supervisor> {
  return new Supervisor(lab, options, await freePort()).ready();
}

function killIfAlive(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended with its Supervisor.
  }
}
