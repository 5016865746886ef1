import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import { supervisorSettings } from '../../packages/flaghoist/src/demo/real-agents.ts';
import { Child } from './child.ts';
import { freePort, type Lab } from './lab.ts';
import { childrenOf, isAlive, killIfAlive } from './processes.ts';
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
  /** Its own one wins over what it is offered. */
  readonly isLocalEnforced?: boolean;
  /** More of the `agent` section of its settings. */
  readonly agent?: Readonly<Record<string, unknown>>;
  /** More of the Collector's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Starts from a copy of what that one has stored, as a machine from the image of another. */
  readonly cloneOf?: Supervisor;
  /** Its Collector lives on when it is killed, as it does at v0.149.0 without our wrapper. */
  readonly orphans?: boolean;
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
  /** One process per start, the last one the present. */
  readonly #boots: Child[] = [];
  readonly #settings: string;
  readonly #orphans: number[] | undefined;

  constructor(lab: Lab, options: SupervisorOptions, otlpPort: number) {
    const { name, endpoint, role, localConfig, isLocalEnforced, agent, env, cloneOf, orphans } = options;
    this.name = name;
    this.directory = join(lab.directory, name);
    this.otlpPort = otlpPort;
    if (orphans) this.#orphans = [];
    mkdirSync(this.directory);
    if (cloneOf) cpSync(join(cloneOf.directory, 'storage'), join(this.directory, 'storage'), { recursive: true });
    const local = join(this.directory, 'local.yaml');
    if (localConfig !== undefined) writeFileSync(local, localConfig);
    this.#settings = join(this.directory, 'supervisor.json');
    const settings = supervisorSettings({
      endpoint,
      directory: this.directory,
      collector: inject('collector'),
      env: { OTLP_PORT: String(otlpPort), FLEETCOL_OUTLIVES: orphans ? 'yes' : '', ...env },
      attributes: { role, 'interop.name': name },
      applyTimeoutMs: APPLY_TIMEOUT_MS,
      agent: {
        config_files: [...(isLocalEnforced ? ['$REMOTE_CONFIG'] : []), ...(localConfig === undefined ? [] : [local])],
        ...agent,
      },
    });
    writeFileSync(this.#settings, settings);
    lab.onClose(() => this.stop());
  }

  /** Starts it, for the first time or again. */
  start(): this {
    const log = join(this.directory, `supervisor-${this.#boots.length + 1}.log`);
    this.#boots.push(new Child(inject('supervisor'), ['--config', this.#settings], log));
    return this;
  }

  get running(): boolean {
    return this.#boot.running;
  }

  get #boot(): Child {
    const boot = this.#boots.at(-1);
    if (boot === undefined) throw new Error(`${this.name} was not started`);
    return boot;
  }

  /** The instance uid, 32 hex digits. */
  get uid(): string {
    const uid = this.#state().match(/^instance_id: "?([0-9a-f-]+)/m)?.[1];
    if (uid === undefined) throw new Error(`${this.name} has no instance uid yet`);
    return uid.replaceAll('-', '');
  }

  /** Hashes (hex) of the remote configurations it received from the server, repetitions included. */
  offers(): string[] {
    return this.#boots
      .flatMap((boot) => linesOf(boot, 'Received remote config from server'))
      .map((line) => String(line['hash']));
  }

  /** Process ids of the Collectors it has run, in order; bootstrap left out. */
  collectors(): number[] {
    // The first two starts are `featuregate` and the bootstrap.
    return this.#boots.flatMap((boot) =>
      linesOf(boot, 'Agent process started')
        .map((line) => Number(line['pid']))
        .slice(2),
    );
  }

  /** The Collector that lives now. */
  collectorPid(): number | undefined {
    return childrenOf(this.#boot.pid).find(({ args }) => args[1] === '--config')?.pid;
  }

  /** What it logged with this message, fields by name, since it was started last. */
  logged(message: string): LogLine[] {
    return linesOf(this.#boot, message);
  }

  /** Error texts with which it refused configurations before starting a Collector. */
  refusals(): string[] {
    return this.logged('Error composing merged config. Reporting failed remote config status.').map((line) =>
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
      assert(this.running, `${this.name} ended: ${this.log().slice(-2_000)}`);
      const collector = this.logged('Agent process started').length > 2 && this.collectorPid();
      if (!collector) throw new Error(`no Collector; remote configurations received: ${this.offers().length}`);
      return collector;
    });
    return this;
  }

  /** All that it printed since it was started last. */
  log(): string {
    return this.#boot.log();
  }

  /**
   * Ends the Supervisor alone: it handles neither signal, so both are a sudden death. Its Collector goes after it, unless
   * it `orphans`; then this returns its process id.
   */
  async kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | undefined> {
    const collector = this.collectorPid();
    await this.#boot.kill(signal);
    if (collector === undefined) return;
    this.#orphans?.push(collector);
    if (this.#orphans === undefined) await until('its Collector ended', () => !isAlive(collector));
    return collector;
  }

  /** Halts the Supervisor alone, as a host that hangs would, or lets it go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    process.kill(this.#boot.pid, signal);
  }

  /** In order, as an operator would: the Collector is stopped, too. */
  async stop(): Promise<void> {
    const boot = this.#boots.at(-1);
    const collector = boot && this.collectorPid();
    await boot?.end('SIGINT');
    for (const pid of [...(this.#orphans ?? []), collector]) if (pid !== undefined) killIfAlive(pid);
  }

  #state(): string {
    for (;;) {
      const text = readFileSync(join(this.directory, 'storage/persistent_state.yaml'), 'utf8');
      if (text !== '') return text; // Else it is being written.
    }
  }
}

type LogLine = Readonly<Record<string, unknown>>;

function linesOf(boot: Child, message: string): LogLine[] {
  return boot
    .log()
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}') && line.includes(`"msg":"${message}`))
    .map((line): LogLine => JSON.parse(line));
}

/** Starts a Supervisor and waits until its Collector runs. */
export async function startSupervisor(lab: Lab, options: SupervisorOptions): Promise<Supervisor> {
  return new Supervisor(lab, options, await freePort()).start().ready();
}
