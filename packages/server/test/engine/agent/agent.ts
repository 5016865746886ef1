/**
 * A Supervisor with its collector, as real ones behave: one outgoing message that gathers what is new, configurations
 * that are taken one after the other and answered when a timer fires, an identical one answered APPLIED at once, a disk
 * that outlives the process. What it does is written down by itself: the laws are checked against that.
 */
import {
  AgentCapabilities as Bits,
  type InstanceUid,
  type ServerToAgent,
  ServerToAgentFlags,
  uidFromBytes,
} from '@flaghoist/opamp';
import { textOf } from '../fleet.ts';
import type { WebSocketLink } from '../network.ts';
import type { World } from '../world.ts';
import { Collector, type Disk, emptyDisk } from './collector.ts';
import { Connection, type Letter } from './connection.ts';
import type { Nature } from './nature.ts';
import { CAPABILITIES, Words } from './words.ts';

/** What it was when it sent a message. */
export interface Moment {
  readonly at: number;
  readonly runs: string;
  readonly healthy: boolean;
}

interface Heard extends Moment {
  readonly heardAt: number;
}

/** For so long a slow disk may write down what was heard, ms. */
const LATELY = 15_000;

export class SimulatedAgent {
  readonly nature: Nature;
  readonly #world: World;
  uid: InstanceUid;
  /** Label `role`: what its group selects. It may change with a restart. */
  role: string;
  /** What it ran and was healthy on. */
  readonly ranWell = new Set<string>();
  /** It will never be heard of again. */
  gone = false;
  /** Its process does not run. */
  down = true;
  /** Each configuration that it has read. */
  readonly received: { readonly at: number; readonly hash: string }[] = [];
  /** What it was when it sent what the server heard of late, oldest first. */
  heardAs: readonly Heard[] = [];
  /** Since when no server has heard that it is well; null while what was heard last says so. */
  heardIllSince: number | null = null;
  /** When it said last that it refuses a configuration, by hash. */
  readonly refusedAt = new Map<string, number>();
  startedAt = 0;
  /** Since when its collector is not well, or it is not there. */
  illSince: number | null = null;
  #disk: Disk = emptyDisk();

  // In the process.
  words = new Words();
  #connection: Connection;
  #collector: Collector;
  #capabilities: number;
  /** Grows with each start of the process: what an earlier one had in mind is void. */
  #boot = 0;
  #nextBeat = 0;

  constructor(world: World, nature: Nature, uid: InstanceUid, role: string, runs: string) {
    this.#world = world;
    this.nature = nature;
    this.uid = uid;
    this.role = role;
    this.#capabilities =
      nature.habit === 'mute' ? CAPABILITIES & ~Bits.AgentCapabilities_ReportsRemoteConfig : CAPABILITIES;
    if (runs !== '')
      this.#disk = { composed: runs, working: runs, status: { hash: runs, status: 'APPLIED', error: '' } };
    this.#connection = new Connection(world, this, 500);
    this.#collector = new Collector(world, this, this.#disk, '');
  }

  /** What its collector runs, really; empty while it runs nothing of ours. */
  get runs(): string {
    return this.#collector.runs;
  }

  get healthy(): boolean {
    return this.#collector.healthy;
  }

  get link(): WebSocketLink | undefined {
    return this.#connection.link;
  }

  get accepts(): boolean {
    return (this.#capabilities & Bits.AgentCapabilities_AcceptsRemoteConfig) !== 0;
  }

  /** It has something to say or to do; one that crash-loops tells of it for ever. */
  get isBusy(): boolean {
    return this.#connection.isReading || (this.nature.vice !== 'crash-loops' && this.words.hasNews);
  }

  describe(): string {
    const { name, vice, habit, transport } = this.nature;
    const { hash, status } = this.#disk.status;
    return `${name} ${vice} ${habit} ${transport}: runs ${short(this.runs)}${this.healthy ? '' : ' (ill)'}, says ${status} ${short(hash)}${this.gone ? ', gone' : ''}`;
  }

  note(line: string): void {
    this.#world.note(`${this.nature.name} ${line}`);
  }

  // ---- The process.

  start(): void {
    if (this.gone || !this.down) return;
    this.#boot += 1;
    this.startedAt = this.#world.timeline.now;
    this.down = false;
    if (this.nature.habit === 'forgets') this.#disk = emptyDisk();
    this.words = new Words();
    this.#connection = new Connection(this.#world, this, this.#connection.backoff);
    this.#collector = new Collector(this.#world, this, this.#disk, this.#collector.effective);
    this.#collector.boot();
    this.#connection.open();
    const beat = (): void => {
      if (this.#world.timeline.now >= this.#nextBeat) this.#connection.send();
      this.after(this.nature.heartbeat, beat);
    };
    this.after(this.nature.heartbeat, beat);
  }

  /** The process ends; what is on disk stays. */
  stop(): void {
    this.illSince ??= this.#world.timeline.now;
    this.down = true;
    this.#boot += 1;
    this.#collector.stop();
    this.#connection.close();
  }

  /** The host is lost: nobody says goodbye. */
  vanish(): void {
    this.note('is gone');
    this.gone = true;
    this.stop();
  }

  /** Later, in this process: not when it has ended meanwhile. */
  after(delay: number, work: () => void): void {
    this.#world.timeline.after(delay, this.inThisProcess(work));
  }

  /** Does it only while this process runs. */
  inThisProcess<T extends unknown[]>(work: (...given: T) => void): (...given: T) => void {
    const boot = this.#boot;
    return (...given) => {
      if (boot === this.#boot && !this.down) work(...given);
    };
  }

  // ---- What it says.

  /** That is new, and leaves soon. */
  tell(part: Parameters<Words['add']>[0]): void {
    this.words.add(part);
    if (!this.down) this.#connection.flush();
  }

  moment(): Moment {
    return { at: this.#world.timeline.now, runs: this.runs, healthy: this.healthy };
  }

  message(): Uint8Array {
    this.#nextBeat = this.#world.timeline.now + this.nature.heartbeat / 2;
    const effective = textOf(this.#collector.effective);
    const { uid, role, healthy } = this;
    return this.words.next({
      uid,
      role,
      capabilities: this.#capabilities,
      healthy,
      effective,
      status: this.#disk.status,
    });
  }

  /** A server has heard a message; `moment` is what it was when it sent that. */
  heard(moment: Moment): void {
    const { now } = this.#world.timeline;
    const oldest = this.heardAs.findLastIndex(({ heardAt }) => heardAt < now - LATELY);
    this.heardAs = [...this.heardAs.slice(Math.max(0, oldest)), { ...moment, heardAt: now }];
    this.heardIllSince = moment.healthy ? null : (this.heardIllSince ?? now);
  }

  /** It moves to another group, by its own attributes. */
  move(role: string): void {
    this.role = role;
    this.tell('description');
  }

  /** Its collector falls ill, whatever it runs; and is well again, unless it was started anew meanwhile. */
  sicken(): void {
    this.#collector.sicken();
  }

  recover(): void {
    this.#collector.recover();
  }

  /** It accepts no configuration any more. */
  withdraw(): void {
    this.#capabilities &= ~Bits.AgentCapabilities_AcceptsRemoteConfig;
    this.tell('description');
  }

  // ---- What the server says.

  lost(link: WebSocketLink): void {
    this.#connection.lost(link);
  }

  arrived(over: WebSocketLink, message: Letter['message']): void {
    if (!this.down) this.#connection.arrived(over, message);
  }

  read({ command, flags, remoteConfig, agentIdentification }: ServerToAgent): void {
    if (command !== undefined) {
      this.#world.restart(this);
      return;
    }
    if (Number(flags) & ServerToAgentFlags.ServerToAgentFlags_ReportFullState) this.tell('full');
    if (remoteConfig !== undefined && this.accepts) {
      const hash = Buffer.from(remoteConfig.configHash).toString('hex');
      this.received.push({ at: this.#world.timeline.now, hash });
      this.#world.laws.taken(this, hash);
      this.note(`takes ${short(hash)}`);
      this.#collector.apply(hash);
    }
    if (agentIdentification === undefined) return;
    this.#world.laws.renamed(this.uid);
    this.uid = uidFromBytes(agentIdentification.newInstanceUid);
  }
}

export const short = (hash: string): string => hash.slice(0, 6) || '-';
