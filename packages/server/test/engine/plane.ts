/** One server process of the simulation: the real control plane, without sockets and disk. It can sleep, and it can die. */
import { type ConfigFiles, type Understood, understand } from '@flaghoist/fleet';
import type { Machine } from '../../src/clock.ts';
import { beginControlPlane, type ControlPlane, composeControlPlane } from '../../src/control-plane.ts';
import { agentHandlers } from '../../src/http/agents.ts';
import { configurationHandlers } from '../../src/http/configurations.ts';
import { groupHandlers } from '../../src/http/groups.ts';
import { rolloutHandlers } from '../../src/http/rollouts.ts';
import { strategyHandlers } from '../../src/http/strategies.ts';
import { STORE_LIMITS } from '../../src/limits.ts';
import type { Store } from '../../src/storage/store.ts';
import type { Outside } from '../../src/webhooks/webhooks.ts';
import type { Client } from './database.ts';
import type { World } from './world.ts';

const understood = new Map<string, Understood>();

/** What the worker thread would answer; texts of one kind are the same in all worlds. */
const reader = {
  understand: async (bodies: Readonly<Record<string, string>>): Promise<Understood> => {
    const key = JSON.stringify(bodies);
    const known = understood.get(key) ?? understand(bodies);
    understood.set(key, known);
    return known;
  },
  check: async (_files: ConfigFiles) => [],
};

const OUTSIDE: Outside = {
  environment: {},
  random: () => 0,
  reachOf: () => {
    throw new Error('a simulated server reaches nobody');
  },
};

export class Plane implements Client {
  readonly number: number;
  readonly holder: string;
  readonly isAlone: boolean;
  readonly #world: World;
  #alive = true;
  /** What waits for it to wake up, timers before what came from outside, as the loop has it; null while it is awake. */
  #asleep: { readonly timers: (() => void)[]; readonly outside: (() => void)[] } | null = null;
  /** How far its clock is behind. */
  readonly #behind: number;
  #control: ControlPlane | undefined;

  constructor(world: World, number: number, behind: number) {
    this.#world = world;
    this.number = number;
    this.#behind = behind;
    this.holder = `server ${number}`;
    this.isAlone = !world.habits.shared;
    this.#boot().catch((error: unknown) => this.fail(error));
  }

  get isAsleep(): boolean {
    return this.#asleep !== null;
  }

  isAlive(): boolean {
    return this.#alive;
  }

  /** The parts, once it serves. */
  get control(): ControlPlane | undefined {
    return this.#alive ? this.#control : undefined;
  }

  /** As `server.ts` does it; webhooks are not started: they tell the outside, and decide nothing. */
  async #boot(): Promise<void> {
    const store = this.#watched(this.#world.database.open(this));
    const renewEvery = STORE_LIMITS.leaseTime / 3;
    while ((await store.lead()) !== null) await new Promise<void>((go) => this.later(renewEvery, go));
    this.#world.servers.leads(this);
    const machine = this.#machine();
    machine.every(() => void store.lead().catch((error: unknown) => this.fail(error)), renewEvery);
    const onFatal = (error: unknown): void => this.fail(error);
    const plane = await composeControlPlane(store, { reader, machine, outside: OUTSIDE, version: '0.0.0', onFatal });
    await beginControlPlane(plane, onFatal);
    this.#control = plane;
    this.#world.servers.serves(this);
  }

  #machine(): Machine {
    const { timeline, dice, habits } = this.#world;
    return {
      clock: (notBefore) => {
        const began = timeline.now;
        const start = Math.max(began - this.#behind, notBefore);
        return () => start + (timeline.now - began);
      },
      randomBytes: (count) => dice.bytes(count),
      later: (call, delay) => timeline.after(delay, () => this.do(call, 'timers')),
      every: (call, interval) => {
        const stop = timeline.every(Math.max(interval, habits.tick), () =>
          this.#alive ? this.do(call, 'timers') : stop(),
        );
        return stop;
      },
    };
  }

  #watched(store: Store): Store {
    return {
      ...store,
      commit: (changes) => {
        this.effect();
        this.#world.laws.asked(this, changes);
        return store.commit(changes);
      },
    };
  }

  /** What operators can ask for. */
  requests() {
    if (this.control === undefined) return undefined;
    const { control } = this;
    return {
      ...agentHandlers(control),
      ...configurationHandlers(control),
      ...groupHandlers(control),
      ...rolloutHandlers(control),
      ...strategyHandlers(control),
    };
  }

  /** Between any two effects (a commit asked for, bytes given to a socket) the process can end. */
  effect(): void {
    if (this.#alive && this.#world.weather.crashesNow()) this.#world.servers.crash(this, 'between two effects');
  }

  /** Lets the process do something: not when it is dead, and not before it wakes up. */
  do(work: () => void, by: 'timers' | 'outside' = 'outside'): void {
    if (!this.#alive) return;
    if (this.#asleep !== null) {
      this.#asleep[by].push(work);
      return;
    }
    try {
      work();
    } catch (error) {
      this.fail(error);
    }
  }

  later(delay: number, work: () => void): void {
    this.#world.timeline.after(delay, () => this.do(work));
  }

  disk(delay: number, work: () => void): void {
    this.#world.timeline.after(delay, work);
  }

  write() {
    return this.#world.weather.write();
  }

  sleep(): void {
    this.#asleep ??= { timers: [], outside: [] };
  }

  wake(): void {
    const { timers, outside } = this.#asleep ?? { timers: [], outside: [] };
    this.#asleep = null;
    for (const work of [...timers, ...outside]) this.do(work);
  }

  die(): void {
    this.#alive = false;
    this.#asleep = null;
  }

  /** A store that failed ends the process, as `onFatal` does; any other error is a bug. */
  fail(error: unknown): void {
    if (!this.#alive) return;
    if ((error as Error).name !== 'StoreError')
      this.#world.laws.broken('no bug of ours', (error as Error).stack ?? `${error}`);
    this.#world.servers.crash(this, (error as Error).message);
  }
}
