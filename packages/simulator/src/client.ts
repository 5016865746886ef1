import { type AgentCapabilities, encodeAgentToServer, type InstanceUid, uidToBytes } from '@flaghoist/opamp';
import { encodeSequence } from './content.ts';
import type { Life, Payload } from './life.ts';
import { backoff } from './limits.ts';
import { recordConnected } from './record.ts';

/** The parts that a report can have besides uid, number and capabilities; `hash` and `components` are of those available. */
export type Part = 'description' | 'health' | 'effective' | 'status' | 'packages' | 'hash' | 'components' | 'goodbye';

/** What the first report has (S-057). */
const EVERYTHING: readonly Part[] = ['description', 'health', 'effective', 'status', 'packages', 'hash'];

/** `idle`: it may send; `asking`: a POST is under way (SPEC.md). */
type LinkState = 'unreachable' | 'waiting' | 'connecting' | 'idle' | 'asking' | 'stopped';

/**
 * opamp-go v0.23: one pending report, into which all changes merge until it is sent; a number per report; back-off;
 * heartbeats or polls.
 */
export class Client {
  uid: InstanceUid;
  private readonly life: Life;
  private readonly content: (part: Part) => Uint8Array;
  state: LinkState = 'waiting';
  private sequence = 0n;
  private readonly pending = new Set(EVERYTHING);
  /** Whether something is to be sent, if only uid, number and capabilities. */
  private due = true;
  private backoffMs: number = backoff.firstMs;
  private lastHead: { readonly uid: InstanceUid; readonly encoded: Uint8Array } | undefined;
  /** The POST that was made and has no answer: repeated until it has one. */
  private unanswered: Payload | undefined;

  /** @param content a part as it is now, which goes out */
  constructor(life: Life, content: (part: Part) => Uint8Array) {
    this.life = life;
    this.content = content;
    this.uid = life.plan.uid;
  }

  can(capability: AgentCapabilities): boolean {
    return (this.life.capabilities & capability) !== 0;
  }

  change(...parts: readonly Part[]): void {
    for (const part of parts) this.pending.add(part);
    this.due = true;
  }

  /** Connect or poll for the first time, or again after `leave`. */
  start(): void {
    this.backoffMs = backoff.firstMs;
    this.attempt();
  }

  opened(): void {
    this.state = 'idle';
    recordConnected(this.life.record, true);
    // A reconnect sends what is pending, and be it nothing (S-095).
    this.due = true;
  }

  /**
   * The attempt failed, or the open WebSocket ended, which is dialled again at once, whoever ended it. opamp-go honours
   * Retry-After if it is longer than its own back-off.
   */
  lost(retryAfterMs = 0): void {
    const { random, record, timers } = this.life;
    timers.clear('heartbeat');
    recordConnected(record, false);
    if (this.state === 'idle') {
      this.start();
      return;
    }
    this.state = 'waiting';
    const { jitter, factor, longestMs } = backoff;
    const wait = this.backoffMs * random.between([1 - jitter, 1 + jitter]);
    this.backoffMs = Math.min(this.backoffMs * factor, longestMs);
    timers.set('dial', Math.max(wait, retryAfterMs), () => this.attempt());
  }

  /** The POST has its answer; what has become pending meanwhile goes out with `flush`. */
  answered(): void {
    this.state = 'idle';
    this.unanswered = undefined;
    this.backoffMs = backoff.firstMs;
    this.armHeartbeat();
  }

  /** The server cannot be reached until `start`. */
  leave(): void {
    const { link, timers, record } = this.life;
    link.drop();
    recordConnected(record, false);
    timers.clear('dial');
    timers.clear('heartbeat');
    this.state = 'unreachable';
  }

  /** Send what is pending, if that is possible now. */
  flush(): void {
    if (!this.due || this.state !== 'idle') return;
    const { plan, link } = this.life;
    const payload = [this.head(), encodeSequence(this.sequence), ...Array.from(this.pending, this.content)];
    this.pending.clear();
    this.due = false;
    this.sequence += 1n;
    if (plan.transport === 'http') this.post(payload);
    else {
      link.send(payload);
      this.armHeartbeat();
    }
  }

  /** WebSocket says goodbye and closes (S-255); HTTP ends without a word. */
  stop(): void {
    const { plan, link, timers, record } = this.life;
    if (plan.transport === 'websocket' && this.state === 'idle') {
      this.change('goodbye');
      this.flush();
      link.close();
    } else link.drop();
    this.state = 'stopped';
    recordConnected(record, false);
    timers.clearAll();
  }

  /** Uid and capabilities, as they begin every report. */
  private head(): Uint8Array {
    const { uid } = this;
    if (this.lastHead?.uid !== uid) {
      const head = { instanceUid: uidToBytes(uid), capabilities: BigInt(this.life.capabilities) };
      this.lastHead = { uid, encoded: encodeAgentToServer(head) };
    }
    return this.lastHead.encoded;
  }

  private attempt(): void {
    if (this.life.plan.transport === 'websocket') {
      this.state = 'connecting';
      this.life.link.connect();
    } else if (this.unanswered !== undefined) this.post(this.unanswered);
    else {
      this.state = 'idle';
      this.armHeartbeat();
      this.flush();
    }
  }

  private post(payload: Payload): void {
    this.unanswered = payload;
    this.state = 'asking';
    this.life.timers.clear('heartbeat');
    this.life.link.post(payload, this.uid);
  }

  /** Over WebSocket 0 means none. */
  private armHeartbeat(): void {
    const { scenario, timers } = this.life;
    if (scenario.heartbeat === 0) return;
    timers.set('heartbeat', scenario.heartbeat, () => {
      this.due = true;
      this.flush();
    });
  }
}
