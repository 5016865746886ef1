/** A simulated agent for the seeded test: the behaviour of the Supervisor (real-agents 4.5 to 4.9) in whole seconds. */

/**
 * - `good`, `slow`: applies everything; the slow one needs most of the apply timeout.
 * - `crashes`: the new config ends the process: FAILED, and it stays down.
 * - `validates`: FAILED at once, the old config goes on.
 * - `rolls-back`: FAILED, then APPLIED with the older hash (P2a).
 * - `forgets`: loses its state with each restart (an ephemeral pod).
 * - `ill`: APPLIED, never healthy.
 * - `silent`: takes everything and says nothing of it.
 * - `vanishes`: takes the first offer and is never heard of again.
 * - `mute`: no ReportsRemoteConfig; its effective config is all there is.
 */
export const KINDS = [
  'good',
  'slow',
  'crashes',
  'validates',
  'rolls-back',
  'forgets',
  'ill',
  'silent',
  'vanishes',
  'mute',
] as const;
export type Kind = (typeof KINDS)[number];

export interface SaidStatus {
  readonly hash: string;
  readonly status: 'UNSET' | 'APPLYING' | 'APPLIED' | 'FAILED';
}

/** What one message of the agent holds: only what changed, or everything when a full state was asked for. */
export interface Message {
  readonly sequence: number;
  readonly full: boolean;
  readonly status: SaidStatus | null;
  readonly healthy: boolean | null;
  readonly effective: string | null;
}

const NO_STATUS: SaidStatus = { hash: '', status: 'UNSET' };
const APPLY_TIMEOUT = 5;

export class SimulatedAgent {
  readonly id: string;
  readonly kind: Kind;
  readonly transport: 'websocket' | 'http';
  readonly good: string;
  /** The config that its collector runs, really. */
  runs: string;
  healthy = true;
  boots = 1;
  /** The WebSocket session; null while there is none. */
  session: string | null = null;
  /** Every config that reached it, with the epoch it came on. */
  readonly received: { readonly hash: string; readonly epoch: string }[] = [];
  #status: SaidStatus;
  #effective: string;
  #sequence = 0;
  #dirty = { status: true, health: true, effective: true };
  #wantsFull = true;
  #timers: { readonly at: number; readonly run: () => void }[] = [];
  #sessions = 0;
  /** Seconds until it looks at what it received; meanwhile it talks and reconnects as if that were not there. */
  readonly #lag: number;
  #queue: { readonly at: number; readonly hash: string }[] = [];

  /** Seconds that what is sent to it needs; what is still under way is lost with the connection. */
  readonly #way: number;
  #underWay: { readonly at: number; readonly hash: string }[] = [];

  constructor(id: string, kind: Kind, transport: 'websocket' | 'http', good: string, lag = 0, way = 0) {
    this.#lag = lag;
    this.#way = way;
    this.id = id;
    this.kind = kind;
    this.transport = transport;
    this.good = good;
    this.runs = good;
    this.#effective = good;
    this.#status = { hash: good, status: 'APPLIED' };
  }

  get epoch(): string {
    return this.transport === 'http' ? `${this.id}-boot-${this.boots}` : (this.session ?? '');
  }

  get hasNews(): boolean {
    return this.#wantsFull || this.#dirty.status || this.#dirty.health || this.#dirty.effective;
  }

  /** It has something to say, or is about to do something. */
  get isBusy(): boolean {
    return this.hasNews || this.#timers.length > 0 || this.#queue.length > 0;
  }

  /** What it will still come to, in order. */
  get queued(): string[] {
    return [...this.#queue, ...this.#underWay].map(({ hash }) => hash);
  }

  connect(): void {
    this.#sessions += 1;
    this.session = `${this.id}-boot-${this.boots}-session-${this.#sessions}`;
  }

  /** It will never be heard of again. */
  get isGone(): boolean {
    return this.kind === 'vanishes' && this.received.length > 0;
  }

  disconnect(): void {
    this.session = null;
    this.#underWay = [];
  }

  /** The process ends and starts again: what is on disk stays, the apply timer does not. */
  restart(): void {
    this.boots += 1;
    this.disconnect();
    this.#sequence = 0;
    this.#timers = [];
    this.#queue = [];
    this.#wantsFull = true;
    if (this.kind !== 'forgets') return;
    this.runs = '';
    this.#effective = '';
    this.#status = NO_STATUS;
  }

  askFullState(): void {
    this.#wantsFull = true;
  }

  pass(now: number): void {
    const due = this.#timers.filter(({ at }) => at <= now);
    this.#timers = this.#timers.filter(({ at }) => at > now);
    for (const { run } of due) run();
    while ((this.#underWay[0]?.at ?? Number.POSITIVE_INFINITY) <= now)
      this.#arrive(this.#underWay.shift()?.hash ?? '', now);
    while ((this.#queue[0]?.at ?? Number.POSITIVE_INFINITY) <= now) this.#take(this.#queue.shift()?.hash ?? '', now);
  }

  /** Pops what is to be said; a message that is lost afterwards has used up its number. */
  message(): Message {
    const full = this.#wantsFull;
    const message = {
      sequence: this.#sequence,
      full,
      status: this.kind !== 'mute' && (full || this.#dirty.status) ? this.#status : null,
      healthy: full || this.#dirty.health ? this.healthy : null,
      effective: full || this.#dirty.effective ? this.#effective : null,
    };
    this.#sequence += 1;
    this.#wantsFull = false;
    this.#dirty = { status: false, health: false, effective: false };
    return message;
  }

  receive(hash: string, now: number): void {
    this.received.push({ hash, epoch: this.epoch });
    if (this.kind === 'silent' || this.isGone) return;
    if (this.#way > 0) this.#underWay.push({ at: now + this.#way * 1_000, hash });
    else this.#arrive(hash, now);
  }

  #arrive(hash: string, now: number): void {
    if (this.#lag > 0) this.#queue.push({ at: now + this.#lag * 1_000, hash });
    else this.#take(hash, now);
  }

  #take(hash: string, now: number): void {
    // The composed text is the same: APPLIED at once, whatever the collector does (the trap of a resend).
    if (this.runs === hash) this.#say({ hash, status: 'APPLIED' });
    else if (this.kind === 'validates') this.#say({ hash, status: 'FAILED' });
    else this.#apply(hash, now);
  }

  #apply(hash: string, now: number): void {
    const before = this.runs;
    this.#timers = [];
    this.#say({ hash, status: 'APPLYING' });
    this.runs = hash;
    this.#feel(false);
    if (this.kind === 'crashes' || this.kind === 'rolls-back') {
      this.#after(now, 1, () => this.#say({ hash, status: 'FAILED' }));
      if (this.kind === 'rolls-back') this.#after(now, 2, () => this.#goBackTo(before, now));
      return;
    }
    this.#after(now, 2, () => {
      this.#effective = hash;
      this.#dirty.effective = true;
      this.#feel(this.kind !== 'ill');
    });
    this.#after(now, this.kind === 'slow' ? 90 : APPLY_TIMEOUT, () => this.#say({ hash, status: 'APPLIED' }));
  }

  #goBackTo(hash: string, now: number): void {
    this.runs = hash;
    this.#after(now, 4, () => this.#feel(true));
    this.#after(now, 2 + APPLY_TIMEOUT, () => this.#say({ hash, status: 'APPLIED' }));
  }

  #after(now: number, seconds: number, run: () => void): void {
    this.#timers.push({ at: now + seconds * 1_000, run });
  }

  #say(status: SaidStatus): void {
    if (status.hash === this.#status.hash && status.status === this.#status.status) return;
    this.#status = status;
    this.#dirty.status = true;
  }

  #feel(healthy: boolean): void {
    if (healthy === this.healthy) return;
    this.healthy = healthy;
    this.#dirty.health = true;
  }
}
