import { type InstanceUid, uidToBytes } from '@flaghoist/opamp';
import type { Deadlines } from './deadlines.ts';
import type { Effect } from './effect.ts';
import { backoff } from './limits.ts';
import type { Random } from './random.ts';
import type { Transport } from './scenario.ts';
import * as wire from './wire.ts';

/** The parts that a report can have besides uid, number and capabilities. */
export type Part =
  | 'description'
  | 'health'
  | 'effective'
  | 'status'
  | 'packages'
  | 'componentsHash'
  | 'components'
  | 'goodbye';

/** Parts in the order of their field numbers. */
const ORDER: readonly Part[] = [
  'description',
  'health',
  'effective',
  'status',
  'packages',
  'goodbye',
  'componentsHash',
  'components',
];

export interface ClientSettings {
  readonly uid: InstanceUid;
  readonly transport: Transport;
  readonly capabilities: number;
  readonly heartbeatMs: number;
  readonly random: Random;
  readonly deadlines: Deadlines;
  /** The fields of one part as they are now. */
  readonly encode: (part: Part, now: number) => wire.Pieces;
  /** A report with these parts goes out. */
  readonly sent: (parts: ReadonlySet<Part>, now: number) => void;
}

type LinkState = 'unreachable' | 'waiting' | 'connecting' | 'idle' | 'asking' | 'stopped';

/**
 * opamp-go v0.23: one pending report, into which all changes merge until it is sent; a number per report; back-off;
 * heartbeats or polls. `idle`: it may send; `asking`: a POST is under way.
 */
export class Client {
  private readonly settings: ClientSettings;
  private identity: InstanceUid;
  /** Fields 1 and 4, which every report has. */
  private uidField: Uint8Array;
  private readonly capabilities: Uint8Array;
  private state: LinkState = 'waiting';
  private sequence = 0;
  private pending = new Set<Part>();
  /** Whether something is to be sent, if only uid, number and capabilities. */
  private due = false;
  /** Whether the first report, which has the whole state, was made (S-057). */
  private introduced = false;
  private heartbeatMs: number;
  private backoffMs: number = backoff.firstMs;
  /** The POST that was made and has no answer: repeated until it has one. */
  private unanswered: wire.Pieces | undefined;
  private effects: Effect[] = [];

  constructor(settings: ClientSettings) {
    this.settings = settings;
    this.identity = settings.uid;
    this.uidField = wire.bytes(1, uidToBytes(settings.uid));
    this.capabilities = wire.number(4, settings.capabilities);
    this.heartbeatMs = settings.heartbeatMs;
  }

  /** What the sockets have to do; handed over once. */
  takeEffects(): readonly Effect[] {
    const { effects } = this;
    if (effects.length > 0) this.effects = [];
    return effects;
  }

  get uid(): InstanceUid {
    return this.identity;
  }

  set uid(uid: InstanceUid) {
    this.identity = uid;
    this.uidField = wire.bytes(1, uidToBytes(uid));
  }

  /** Whether nothing waits to be sent or answered. */
  get quiet(): boolean {
    return this.state === 'idle' && !this.due;
  }

  get stopped(): boolean {
    return this.state === 'stopped';
  }

  change(...parts: readonly Part[]): void {
    for (const part of parts) this.pending.add(part);
    this.due = true;
  }

  /** Connect or poll for the first time, or again after `leave`. */
  start(now: number): void {
    this.backoffMs = backoff.firstMs;
    this.attempt(now);
  }

  opened(now: number): void {
    this.state = 'idle';
    this.introduce();
    // A reconnect sends what is pending, and be it nothing (S-095).
    this.due = true;
    this.flush(now);
  }

  /** The attempt failed; opamp-go honours Retry-After if it is longer than its own back-off. */
  refused(now: number, retryAfterMs = 0): void {
    if (this.state !== 'connecting' && this.state !== 'asking') return;
    this.state = 'waiting';
    const { jitter, factor, longestMs } = backoff;
    const wait = this.backoffMs * this.settings.random.between([1 - jitter, 1 + jitter]);
    this.backoffMs = Math.min(this.backoffMs * factor, longestMs);
    this.settings.deadlines.set('dial', now + Math.max(wait, retryAfterMs));
  }

  /** The open WebSocket ended: dialled again at once, whoever ended it. */
  closed(now: number): void {
    if (this.state !== 'idle') return;
    this.settings.deadlines.clear('heartbeat');
    this.start(now);
  }

  /** The POST has its answer; what has become pending meanwhile goes out with `flush`. */
  answered(now: number): void {
    if (this.state !== 'asking') return;
    this.state = 'idle';
    this.unanswered = undefined;
    this.backoffMs = backoff.firstMs;
    this.armHeartbeat(now);
  }

  /** The server cannot be reached until `start`. */
  leave(): void {
    if (this.state === 'stopped') return;
    if (this.state !== 'waiting') this.effects.push({ do: 'drop' });
    this.settings.deadlines.clear('dial');
    this.settings.deadlines.clear('heartbeat');
    this.state = 'unreachable';
  }

  stopReading(): void {
    if (this.state === 'idle') this.effects.push({ do: 'stop-reading' });
  }

  /** `dial` is over. */
  attempt(now: number): void {
    if (this.state === 'stopped') return;
    if (this.settings.transport === 'websocket') {
      this.state = 'connecting';
      this.effects.push({ do: 'connect' });
      return;
    }
    if (this.unanswered !== undefined) {
      this.post(this.unanswered);
      return;
    }
    this.state = 'idle';
    if (!this.introduced) this.due = true;
    this.introduce();
    this.flush(now);
    if (this.state === 'idle') this.armHeartbeat(now);
  }

  heartbeat(now: number): void {
    this.due = true;
    this.flush(now);
  }

  /** Set by the server. HTTP refuses 0; over WebSocket it ends the heartbeats. */
  setHeartbeat(ms: number, now: number): void {
    if (ms === 0 && this.settings.transport === 'http') return;
    this.heartbeatMs = ms;
    if (this.state === 'idle') this.armHeartbeat(now);
  }

  /** Send what is pending, if that is possible now. */
  flush(now: number): void {
    if (!this.due || this.state !== 'idle') return;
    const parts = this.pending;
    const fields = ORDER.filter((part) => parts.has(part)).flatMap((part) => this.settings.encode(part, now));
    this.due = false;
    if (parts.size > 0) this.pending = new Set();
    this.settings.sent(parts, now);
    // Description is field 3 and capabilities are field 4.
    const [before, after] = parts.has('description') ? [fields.slice(0, 1), fields.slice(1)] : [[], fields];
    const payload = [
      this.uidField,
      this.sequence === 0 ? wire.nothing : wire.number(2, this.sequence),
      ...before,
      this.capabilities,
      ...after,
    ];
    this.sequence += 1;
    if (this.settings.transport === 'http') this.post(payload);
    else {
      this.effects.push({ do: 'send', payload });
      this.armHeartbeat(now);
    }
  }

  /** WebSocket says goodbye and closes (S-255); HTTP ends without a word. */
  stop(now: number): void {
    if (this.settings.transport === 'websocket' && this.state === 'idle') {
      this.change('goodbye');
      this.flush(now);
      this.effects.push({ do: 'close' });
    } else if (this.state !== 'waiting' && this.state !== 'unreachable') this.effects.push({ do: 'drop' });
    this.state = 'stopped';
    this.settings.deadlines.clearAll();
  }

  private introduce(): void {
    if (this.introduced) return;
    this.introduced = true;
    this.change('description', 'health', 'effective', 'status', 'packages', 'componentsHash');
  }

  private post(payload: wire.Pieces): void {
    this.unanswered = payload;
    this.state = 'asking';
    this.settings.deadlines.clear('heartbeat');
    this.effects.push({ do: 'post', payload });
  }

  private armHeartbeat(now: number): void {
    if (this.heartbeatMs === 0) this.settings.deadlines.clear('heartbeat');
    else this.settings.deadlines.set('heartbeat', now + this.heartbeatMs);
  }
}
