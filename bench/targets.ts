// What is measured: the floor, our server, or any OpAMP server by its URL.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, createClient } from '@flaghoist/api';
import type { Counted } from './floor.ts';
import type { Reading } from './probe.ts';
import { Measured } from './process.ts';

export interface Target {
  readonly name: string;
  readonly url: string;
  /** What its process uses; undefined for a server that is not ours to look into. */
  read(): Promise<Reading | undefined>;
  /** Agents whose full state it has, durable where it stores anything. */
  enrolled(agents: number): Promise<boolean>;
  /** Starts a push to all; absent where we do not know how. */
  push?(body: string): Promise<void>;
  /** Every agent's APPLIED is taken in, durable where it stores anything. */
  applied?(agents: number): Promise<boolean>;
  /** Every agent is proven to run it. */
  understood?(agents: number): Promise<boolean>;
  /** Starts a rollout in stages to all. */
  rollout?(body: string): Promise<void>;
  /** How that is getting on. */
  progress?(): Promise<Progress>;
  /** Ends it as a power cut does, and starts it again; it comes back at the same URL. */
  restart?(): Promise<void>;
  close(): Promise<void>;
}

/** Times that a rollout waits by its strategy, in seconds. */
export const STAGED = { soak: 2, bake: 2 };

export interface Progress {
  readonly state: string;
  readonly stages: number;
  readonly inFlight: number;
  readonly proven: number;
}

export async function floor(): Promise<Target> {
  const process = new Measured('floor.ts', [], /(?<=^ready )\d+/);
  const url = `ws://127.0.0.1:${await process.ready}/v1/opamp`;
  const counted = () => process.ask<Counted>('count');
  return {
    name: 'floor',
    url,
    read: () => process.read(),
    enrolled: async (agents) => (await counted()).described >= agents,
    push: async (body) => process.tell({ offer: body }),
    applied: async (agents) => (await counted()).applied >= agents,
    close: () => process.end('SIGTERM'),
  };
}

class Flaghoist implements Target {
  readonly name = 'flaghoist';
  readonly #directory = mkdtempSync(join(tmpdir(), 'flaghoist-bench-'));
  #process: Measured | undefined;
  #ports: Readonly<Record<string, string>> = { opamp: '127.0.0.1:0', api: '127.0.0.1:0', ops: '127.0.0.1:0' };
  #rollout = '';

  async start(): Promise<this> {
    const listen = Object.entries(this.#ports).flatMap(([plane, at]) => [`--${plane}-listen`, at]);
    const args = ['server', '--data', this.#directory, ...listen];
    const process = new Measured('../packages/flaghoist/src/main.ts', args, /(?<=^flaghoist ready ).*/);
    this.#process = process;
    this.#ports = Object.fromEntries((await process.ready).split(' ').map((each) => each.split('=')));
    return this;
  }

  get url(): string {
    return `ws://${this.#ports['opamp']}/v1/opamp`;
  }

  get #client(): Client {
    return createClient({ baseUrl: `http://${this.#ports['api']}` });
  }

  read() {
    return (this.#process as Measured).read();
  }

  async createGroup(): Promise<void> {
    await this.#client.putConfiguration({ name: 'bench', body: {} });
    await this.#client.putGroup({
      name: 'bench',
      body: { selector: 'role=bench', configuration: 'bench', strategy: 'all-at-once' },
    });
  }

  /** Resolves when a write that came after all of theirs is durable. */
  async #durable(): Promise<true> {
    await this.#client.putConfiguration({ name: `after-${crypto.randomUUID()}`, body: {} });
    return true;
  }

  async enrolled(agents: number): Promise<boolean> {
    return (await this.#client.getGroup({ name: 'bench' })).agents >= agents && this.#durable();
  }

  push(body: string): Promise<void> {
    return this.#start(body, { strategy: 'all-at-once', overrides: { maxInFlight: '100%' } });
  }

  /**
   * `quick`, with short soaks. Its agents say something every few seconds, and a proof over a time asks for a message within
   * that time (S4): any other `minHealthyTime` would measure heartbeats.
   */
  rollout(body: string): Promise<void> {
    const soak = { canary: `${STAGED.soak}s`, stage: `${STAGED.soak}s` };
    const overrides = { minHealthyTime: '0s', soak, bake: `${STAGED.bake}s` };
    return this.#start(body, { strategy: 'quick', overrides });
  }

  async progress(): Promise<Progress> {
    const { state, stages, inFlight, counts } = await this.#summary();
    return { state, stages: stages.length, inFlight, proven: counts.proven };
  }

  async #start(
    body: string,
    how: Pick<Parameters<Client['startRollout']>[0]['body'], 'strategy' | 'overrides'>,
  ): Promise<void> {
    const revision = await this.#client.createRevision({
      name: 'bench',
      body: { files: { '': { body } }, message: 'bench' },
    });
    const { rollouts } = await this.#client.startRollout({
      body: {
        group: 'bench',
        configuration: 'bench',
        revision: revision.number,
        message: 'bench',
        ...how,
      },
    });
    this.#rollout = rollouts[0]?.id ?? '';
  }

  /** Without its targets, which would cost more than what is measured. */
  async #summary() {
    const { items } = await this.#client.listRollouts({ limit: 1 });
    const rollout = items.find(({ id }) => id === this.#rollout);
    if (rollout === undefined) throw new Error('the rollout is gone');
    return rollout;
  }

  async applied(agents: number): Promise<boolean> {
    const { verifying, proven, failed } = (await this.#summary()).counts;
    return verifying + proven + failed >= agents && this.#durable();
  }

  async understood(agents: number): Promise<boolean> {
    return (await this.#summary()).counts.proven >= agents && this.#durable();
  }

  async restart(): Promise<void> {
    await this.#process?.end('SIGKILL');
    await this.start();
  }

  async close(): Promise<void> {
    await this.#process?.end('SIGTERM');
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

export async function flaghoist(): Promise<Target> {
  const target = await new Flaghoist().start();
  await target.createGroup();
  return target;
}

/** Any OpAMP server: what its agents see can be told, what it uses cannot. */
export async function unknown(url: string): Promise<Target> {
  return { name: url, url, read: async () => undefined, enrolled: async () => true, close: async () => {} };
}
