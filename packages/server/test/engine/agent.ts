/**
 * A Supervisor with its collector, as real ones behave: one outgoing message that gathers what is new, configurations
 * that are taken one after the other and answered when a timer fires, an identical one answered APPLIED at once, a disk
 * that outlives the process. What it does is written down by itself: the laws are checked against that.
 */
import {
  type AgentRemoteConfig,
  AgentCapabilities as Bits,
  encodeAgentToServer,
  type InstanceUid,
  type ServerToAgent,
  ServerToAgentFlags,
  RemoteConfigStatuses as Status,
  uidFromBytes,
  uidToBytes,
} from '@flaghoist/opamp';
import type { WebSocketLink } from './network.ts';
import type { World } from './world.ts';

/**
 * What becomes of a configuration that is bad for it; whatever is good, it applies.
 * - `refuses`: FAILED, and the old one goes on.
 * - `rolls-back`: FAILED, then APPLIED with the older hash (P2a).
 * - `falls-back`: FAILED; after its restart it runs the older one and says nothing of it (P2b).
 * - `dies`: takes the offer and is never heard of again.
 * - `sickens`: APPLIED, and unhealthy a while later.
 * - `crash-loops`: APPLIED, then its collector ends again and again.
 * - `stalls`: APPLYING, and no verdict.
 * - `withdraws`: applies it, and accepts no configuration any more.
 */
export const VICES = [
  'refuses',
  'rolls-back',
  'falls-back',
  'dies',
  'sickens',
  'crash-loops',
  'stalls',
  'withdraws',
] as const;
export type Vice = (typeof VICES)[number];

/** What it is at all times: `forgets` has no disk, `mute` reports no status, `slow` needs most of the time it is given. */
export const HABITS = ['usual', 'forgets', 'mute', 'slow'] as const;

export interface Nature {
  readonly name: string;
  readonly vice: Vice;
  readonly habit: (typeof HABITS)[number];
  readonly transport: 'websocket' | 'http';
  /** Between heartbeats, or polls. */
  readonly heartbeat: number;
  /** When the verdict comes, `config_apply_timeout`. */
  readonly verdictAfter: number;
  /** Until it is read and composed: meanwhile other messages wait. */
  readonly thinks: number;
  /** How long its collector takes to stop and to start. */
  readonly restarts: number;
}

/** A message, or the end of the connection that it came over. */
interface Letter {
  readonly message: ServerToAgent | 'closed';
  readonly over: WebSocketLink | null;
}

interface SaidStatus {
  readonly hash: string;
  readonly status: 'UNSET' | 'APPLYING' | 'APPLIED' | 'FAILED';
  readonly error: string;
}

const NO_STATUS: SaidStatus = { hash: '', status: 'UNSET', error: '' };

const STATUS = {
  UNSET: Status.RemoteConfigStatuses_UNSET,
  APPLYING: Status.RemoteConfigStatuses_APPLYING,
  APPLIED: Status.RemoteConfigStatuses_APPLIED,
  FAILED: Status.RemoteConfigStatuses_FAILED,
};

const CAPABILITIES =
  Bits.AgentCapabilities_ReportsStatus |
  Bits.AgentCapabilities_AcceptsRemoteConfig |
  Bits.AgentCapabilities_ReportsEffectiveConfig |
  Bits.AgentCapabilities_AcceptsRestartCommand |
  Bits.AgentCapabilities_ReportsHealth |
  Bits.AgentCapabilities_ReportsRemoteConfig |
  Bits.AgentCapabilities_ReportsHeartbeat;

/** What it was when it sent a message. */
export interface Moment {
  readonly at: number;
  readonly runs: string;
  readonly healthy: boolean;
}

export class SimulatedAgent {
  readonly nature: Nature;
  readonly #world: World;
  uid: InstanceUid;
  /** Label `role`: what its group selects. It may change with a restart. */
  role: string;
  /** What its collector runs, really; empty while it runs nothing of ours. */
  runs = '';
  healthy = false;
  /** What it ran and was healthy on. */
  readonly ranWell = new Set<string>();
  /** It will never be heard of again. */
  gone = false;
  /** Its process does not run. */
  down = true;
  /** Each configuration that it has read. */
  readonly received: { readonly at: number; readonly hash: string }[] = [];
  /** What it was when it sent what the server heard last. */
  heardAs: readonly Moment[] = [];
  link: WebSocketLink | undefined;
  startedAt = 0;

  // On disk.
  #composed = '';
  #working = '';
  #status = NO_STATUS;

  // In the process.
  #capabilities: number;
  #sequence = 0;
  #news = { full: true, components: false, status: false, health: false, effective: false, description: false };
  #effective = '';
  #sick = false;
  /** Grows with each start of the process: what an earlier one had in mind is void. */
  #boot = 0;
  /** Grows with each configuration taken: only the newest gets a verdict. */
  #attempt = 0;
  #inbox: Letter[] = [];
  #isThinking = false;
  #isFlushing = false;
  #isPosting = false;
  #backoff = 500;
  #nextBeat = 0;

  constructor(world: World, nature: Nature, uid: InstanceUid, role: string, runs: string) {
    this.#world = world;
    this.nature = nature;
    this.uid = uid;
    this.role = role;
    this.#capabilities =
      nature.habit === 'mute' ? CAPABILITIES & ~Bits.AgentCapabilities_ReportsRemoteConfig : CAPABILITIES;
    if (runs === '') return;
    this.#composed = runs;
    this.#working = runs;
    this.#status = { hash: runs, status: 'APPLIED', error: '' };
  }

  get accepts(): boolean {
    return (this.#capabilities & Bits.AgentCapabilities_AcceptsRemoteConfig) !== 0;
  }

  /** It has something to say or to do. */
  get isBusy(): boolean {
    return this.#isThinking || this.#inbox.length > 0 || this.#hasNews || this.#isPosting;
  }

  get #hasNews(): boolean {
    return Object.values(this.#news).some(Boolean);
  }

  describe(): string {
    const { name, vice, habit, transport } = this.nature;
    const { hash, status } = this.#status;
    return `${name} ${vice} ${habit} ${transport}: runs ${short(this.runs)}${this.healthy ? '' : ' (ill)'}, says ${status} ${short(hash)}${this.gone ? ', gone' : ''}`;
  }

  // ---- The process.

  start(): void {
    if (this.gone) return;
    this.#boot += 1;
    this.startedAt = this.#world.timeline.now;
    this.down = false;
    this.#sequence = 0;
    this.#inbox = [];
    this.#isThinking = false;
    this.#isFlushing = false;
    this.#isPosting = false;
    this.healthy = false;
    this.#sick = false;
    this.#news = { full: true, components: false, status: false, health: false, effective: false, description: false };
    if (this.nature.habit === 'forgets') {
      this.#composed = '';
      this.#working = '';
      this.#status = NO_STATUS;
    }
    // After a restart it runs what worked, and still says what it said (P2b).
    if (this.#status.status === 'FAILED' && this.nature.vice === 'falls-back') this.#composed = this.#working;
    this.#startCollector(this.#composed);
    this.#connect();
    const boot = this.#boot;
    const beat = (): void => {
      if (boot !== this.#boot || this.down || this.gone) return;
      if (this.#world.timeline.now >= this.#nextBeat) this.#send();
      this.#world.timeline.after(this.nature.heartbeat, beat);
    };
    this.#world.timeline.after(this.nature.heartbeat, beat);
  }

  /** The process ends; what is on disk stays. */
  stop(): void {
    this.down = true;
    this.#boot += 1;
    this.runs = '';
    this.healthy = false;
    if (this.link !== undefined) this.#world.network.cut(this.link, { agent: 0, plane: this.#world.weather.latency() });
    this.link = undefined;
  }

  /** The host is lost: nobody says goodbye. */
  vanish(): void {
    this.#world.note(`${this.nature.name} is gone`);
    this.gone = true;
    this.stop();
  }

  /** In this process, unless it ended meanwhile. */
  #after(delay: number, work: () => void): void {
    const boot = this.#boot;
    this.#world.timeline.after(delay, () => {
      if (boot === this.#boot && !this.down) work();
    });
  }

  // ---- The connection.

  #connect(): void {
    if (this.down || this.gone) return;
    if (this.nature.transport === 'http') {
      this.#send();
      return;
    }
    if (this.link !== undefined) return;
    this.link = this.#world.network.connect(this);
    if (this.link === undefined) {
      this.#retryLater(() => this.#connect());
      return;
    }
    this.#backoff = 500;
    // What waits, at least the number: the server has to hear of it.
    this.#send();
  }

  #retryLater(work: () => void): void {
    this.#backoff = Math.min(this.#backoff * 1.5, 30_000);
    this.#after(this.#backoff * (0.5 + this.#world.dice.next()), work);
  }

  lost(link: WebSocketLink): void {
    if (this.link !== link) return;
    this.link = undefined;
    // What it has received is in its hands, or it is lost with the socket.
    const keeps = this.#world.dice.chance(0.5);
    this.#inbox = this.#inbox.filter(({ over, message }) => over !== link || (keeps && message !== 'closed'));
    this.#after(this.#world.dice.int(0, 500), () => this.#connect());
  }

  /** There is news: it leaves soon, with what else there is by then. */
  #flush(): void {
    if (this.#isFlushing || this.down) return;
    this.#isFlushing = true;
    this.#after(this.#world.dice.int(1, 20), () => {
      this.#isFlushing = false;
      if (this.#hasNews) this.#send();
    });
  }

  /** Sends what is new, be it nothing. What waits for a connection goes on waiting. */
  #send(): void {
    if (this.down || this.gone) return;
    if (this.nature.transport === 'websocket') {
      const { link } = this;
      if (link === undefined) return;
      const moment = this.#moment();
      link.say(this.#message(), moment);
      return;
    }
    if (this.#isPosting) return;
    this.#isPosting = true;
    this.#post(this.#message(), this.#moment());
  }

  /** The same request until it is answered, as opamp-go does. */
  #post(payload: Uint8Array, moment: Moment): void {
    const boot = this.#boot;
    const done = (answer: ServerToAgent | undefined): void => {
      if (boot !== this.#boot || this.down) return;
      if (answer === undefined) {
        if (!this.#world.dice.chance(0.2)) {
          this.#retryLater(() => this.#post(payload, moment));
          return;
        }
        // A gateway error instead of an answer: the message is given up.
        this.#isPosting = false;
        return;
      }
      this.#backoff = 500;
      this.#isPosting = false;
      this.#take({ message: answer, over: null });
      if (this.#hasNews) this.#flush();
    };
    if (!this.#world.network.post(this, payload, moment, done)) this.#retryLater(() => this.#post(payload, moment));
  }

  #moment(): Moment {
    return { at: this.#world.timeline.now, runs: this.runs, healthy: this.healthy };
  }

  #message(): Uint8Array {
    const { full, status, health, effective, description } = this.#news;
    const { nature } = this;
    const says = {
      instanceUid: uidToBytes(this.uid),
      sequenceNum: BigInt(this.#sequence),
      capabilities: BigInt(this.#capabilities),
      ...((full || description) && { agentDescription: this.#description() }),
      ...((full || status) &&
        nature.habit !== 'mute' && {
          remoteConfigStatus: {
            lastRemoteConfigHash: Buffer.from(this.#status.hash, 'hex'),
            status: STATUS[this.#status.status],
            errorMessage: this.#status.error,
          },
        }),
      ...((full || health) && { health: { healthy: this.healthy } }),
      ...((full || effective) && { effectiveConfig: this.#effectiveConfig() }),
    };
    this.#sequence += 1;
    this.#nextBeat = this.#world.timeline.now + this.nature.heartbeat / 2;
    this.#news = { full: false, components: false, status: false, health: false, effective: false, description: false };
    return encodeAgentToServer(says);
  }

  #description() {
    const text = (value: string) => ({ value: { case: 'stringValue' as const, value } });
    return {
      identifyingAttributes: [{ key: 'service.name', value: text('otelcol') }],
      nonIdentifyingAttributes: [{ key: 'role', value: text(this.role) }],
    };
  }

  #effectiveConfig() {
    const body = Buffer.from(this.#world.textOf(this.#effective));
    return { configMap: { configMap: { '': { body, contentType: 'text/yaml' } } } };
  }

  // ---- What the server says.

  /** A message has come over this link; it is read when those before it have been. */
  arrived(over: WebSocketLink, message: Letter['message']): void {
    if (this.link === over && !this.down) this.#take({ message, over });
  }

  #take(letter: Letter): void {
    this.#inbox.push(letter);
    if (!this.#isThinking) this.#readNext();
  }

  #readNext(): void {
    const letter = this.#inbox.shift();
    if (letter === undefined) return;
    const { message, over } = letter;
    if (message === 'closed') {
      if (over !== null) this.#world.network.cut(over, { agent: 0, plane: this.#world.weather.latency() });
      this.#readNext();
      return;
    }
    if (message.remoteConfig === undefined) {
      this.#read(message);
      this.#readNext();
      return;
    }
    this.#isThinking = true;
    const { dice, habits, weather } = this.#world;
    const isSlow = dice.chance(weather.rates.thinksLong);
    const slowly = habits.hangs ? dice.int(20, 200) * 1_000 : 20 * this.nature.thinks;
    this.#after(isSlow ? slowly : this.nature.thinks, () => {
      this.#isThinking = false;
      this.#read(message);
      this.#readNext();
    });
  }

  #read({ command, flags, remoteConfig, agentIdentification }: ServerToAgent): void {
    if (command !== undefined) {
      this.#world.restart(this);
      return;
    }
    if (Number(flags) & ServerToAgentFlags.ServerToAgentFlags_ReportFullState) {
      this.#news.full = true;
      this.#flush();
    }
    if (remoteConfig !== undefined && this.accepts) this.#apply(remoteConfig);
    if (agentIdentification !== undefined) this.uid = uidFromBytes(agentIdentification.newInstanceUid);
  }

  // ---- The collector.

  #apply({ configHash }: AgentRemoteConfig): void {
    const hash = Buffer.from(configHash).toString('hex');
    this.received.push({ at: this.#world.timeline.now, hash });
    this.#world.laws.taken(this, hash);
    this.#world.note(`${this.nature.name} takes ${short(hash)}`);
    const { vice, verdictAfter, restarts, habit } = this.nature;
    const isBad = this.#world.isBad(hash, this);
    // The composed text is the same: APPLIED at once, whatever the collector does (the trap of a resend).
    if (this.#composed === hash) {
      this.#say(hash, 'APPLIED');
      return;
    }
    if (isBad && vice === 'refuses') {
      this.#say(hash, 'FAILED', 'configuration validation failed');
      return;
    }
    if (isBad && vice === 'dies') {
      this.vanish();
      return;
    }
    this.#composed = hash;
    this.#attempt += 1;
    this.#say(hash, 'APPLYING');
    const takes = habit === 'slow' ? 6 * restarts : restarts;
    this.#startCollector(hash, takes);
    if (isBad && vice === 'stalls') return;
    this.#inAttempt(Math.max(verdictAfter, takes + 1_000), () => this.#verdict(hash));
  }

  #inAttempt(delay: number, work: () => void): void {
    const attempt = this.#attempt;
    this.#after(delay, () => {
      if (attempt === this.#attempt) work();
    });
  }

  #startCollector(hash: string, delay = this.nature.restarts): void {
    this.runs = '';
    this.#feel(false);
    this.#attempt += 1;
    this.#sick = false;
    this.#inAttempt(delay, () => {
      this.runs = hash;
      const isBad = this.#world.isBad(hash, this);
      const { vice } = this.nature;
      if (isBad && (vice === 'rolls-back' || vice === 'falls-back')) {
        this.#exited(hash);
        return;
      }
      if (this.#effective !== hash) {
        this.#effective = hash;
        this.#news.effective = true;
        this.#flush();
      }
      this.#feel(!(isBad && vice === 'stalls'));
      if (!isBad) return;
      if (vice === 'sickens') this.#inAttempt(this.#world.dice.int(5_000, 40_000), () => this.#sicken());
      if (vice === 'crash-loops') this.#inAttempt(this.nature.verdictAfter + 1_000, () => this.#crashAgain());
      if (vice === 'withdraws') this.#withdraw();
    });
  }

  /** It ends as soon as it starts. While the verdict is due that is FAILED; otherwise only ill health. */
  #exited(hash: string): void {
    this.runs = '';
    this.#feel(false);
    if (this.#status.hash === hash && this.#status.status === 'APPLYING') {
      this.#attempt += 1;
      this.#say(hash, 'FAILED', 'Agent exited unexpectedly with exit code 1 while applying configuration');
    }
    if (this.nature.vice !== 'rolls-back' || this.#working === '') return;
    const back = this.#working;
    this.#composed = back;
    this.#startCollector(back);
    this.#inAttempt(Math.max(this.nature.verdictAfter, this.nature.restarts + 1_000), () => this.#say(back, 'APPLIED'));
  }

  #verdict(hash: string): void {
    if (this.runs !== hash || !this.healthy) {
      this.#say(hash, 'FAILED', 'Config apply timeout exceeded');
      return;
    }
    this.#working = hash;
    this.#say(hash, 'APPLIED');
  }

  #sicken(): void {
    this.#sick = true;
    this.#feel(false);
  }

  #crashAgain(): void {
    this.#feel(false);
    this.#inAttempt(5_000, () => {
      this.#feel(true);
      this.#inAttempt(3_000, () => this.#crashAgain());
    });
  }

  #withdraw(): void {
    this.#capabilities &= ~Bits.AgentCapabilities_AcceptsRemoteConfig;
    this.#news.description = true;
    this.#flush();
  }

  /** It moves to another group, by its own attributes. */
  move(role: string): void {
    this.role = role;
    this.#news.description = true;
    this.#flush();
  }

  #say(hash: string, status: SaidStatus['status'], error = ''): void {
    if (hash === this.#status.hash && status === this.#status.status) return;
    this.#world.note(`${this.nature.name} says ${status} ${short(hash)}`);
    this.#status = { hash, status, error };
    this.#news.status = true;
    this.#flush();
  }

  #feel(healthy: boolean): void {
    const well = healthy && !this.#sick;
    if (well === this.healthy) return;
    this.healthy = well;
    if (well && this.runs !== '') this.ranWell.add(this.runs);
    this.#news.health = true;
    this.#flush();
  }
}

export const short = (hash: string): string => hash.slice(0, 6) || '-';
