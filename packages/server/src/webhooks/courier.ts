/**
 * Delivers to one receiver: one event at a time, in their order, each until it is taken or a day old. What fails makes it
 * wait (`back-off.ts`); what the receiver alone refuses (4xx) lets the others pass.
 */
import type { Instant } from '@flaghoist/fleet';
import { SERVER_LIMITS } from '../limits.ts';
import { backOff } from './back-off.ts';
import type { Answer } from './post.ts';
import type { Delivery, WebhookStatus } from './webhook.ts';

/** What a courier needs of the server around it. */
export interface Office {
  readonly now: () => Instant;
  readonly random: () => number;
  /** Number of the last event that is durable: nothing is told of before. */
  readonly durable: () => number;
  /** One attempt; undefined when there is nothing (any more) to tell. */
  readonly send: (delivery: Delivery) => Promise<Answer | undefined>;
  /** These need not be kept any more. */
  readonly done: (deliveries: readonly Delivery[]) => void;
  /** The state has changed, or only the numbers. */
  readonly changed: (before: WebhookStatus, status: WebhookStatus) => void;
}

interface Waiting {
  readonly delivery: Delivery;
  attempts: number;
  notBefore: Instant;
}

export class Courier {
  readonly #office: Office;
  #waiting: Waiting[] = [];
  #status: WebhookStatus;
  /** Attempts that failed in a row, the first of them, and until when nothing is tried. */
  #failures = 0;
  #failingSince: Instant = 0;
  #pausedUntil: Instant = 0;
  #inFlight: Waiting | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(office: Office, status: WebhookStatus, waiting: readonly Delivery[]) {
    this.#office = office;
    this.#status = status;
    for (const delivery of waiting) this.#waiting.push({ delivery, attempts: 0, notBefore: 0 });
  }

  get status(): WebhookStatus {
    return this.#status;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Takes another one; the oldest that is not on its way goes when there are too many. False when it takes none. */
  add(delivery: Delivery): boolean {
    if (this.#status.state === 'gone') return false;
    this.#waiting.push({ delivery, attempts: 0, notBefore: 0 });
    const excess = this.#waiting.length - SERVER_LIMITS.webhookQueue;
    if (excess > 0) this.#drop(this.#waiting.filter((each) => each !== this.#inFlight).slice(0, excess));
    return true;
  }

  /** The receiver was changed: tries at once, as if nothing had happened. */
  renew(): void {
    this.#failures = 0;
    this.#pausedUntil = 0;
    for (const each of this.#waiting) each.notBefore = 0;
    this.#change({ state: 'ok', since: null, lastError: '' });
    this.wake();
  }

  /** Sends what is due, and sees to it that the rest follows. */
  wake(): void {
    clearTimeout(this.#timer);
    if (this.#stopped || this.#inFlight !== undefined) return;
    const now = this.#office.now();
    this.#drop(this.#waiting.filter(({ delivery }) => now - delivery.at >= SERVER_LIMITS.webhookKept));
    const durable = this.#office.durable();
    const told = this.#waiting.filter(({ delivery }) => delivery.event <= durable);
    // What was refused before comes after what was not.
    const due = told.filter(({ notBefore }) => notBefore <= now).sort((a, b) => a.attempts - b.attempts)[0];
    if (due !== undefined && this.#pausedUntil <= now) {
      this.#inFlight = due;
      void this.#attempt(due);
      return;
    }
    if (told.length === 0) return;
    const next = Math.max(this.#pausedUntil, Math.min(...told.map(({ notBefore }) => notBefore)));
    this.#timer = setTimeout(() => this.wake(), Math.max(next - now, 1));
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #attempt(entry: Waiting): Promise<void> {
    const answer = await this.#office.send(entry.delivery);
    this.#inFlight = undefined;
    if (this.#stopped) return;
    if (answer === undefined) this.#remove([entry]);
    else if (answer.error === '') this.#delivered(entry);
    else this.#failed(entry, answer);
    this.wake();
  }

  #delivered(entry: Waiting): void {
    this.#remove([entry]);
    this.#failures = 0;
    const { delivered } = this.#status;
    const lastDeliveredAt = this.#office.now();
    this.#change({ state: 'ok', since: null, lastError: '', lastDeliveredAt, delivered: delivered + 1 });
  }

  #failed(entry: Waiting, { status, error }: Answer): void {
    const now = this.#office.now();
    if (this.#failures === 0) this.#failingSince = now;
    this.#failures += 1;
    this.#pausedUntil = now + backOff(this.#failures, this.#office.random());
    if (status === 410) {
      this.#change({ state: 'gone', since: now, lastError: error });
      this.#drop(this.#waiting);
      return;
    }
    const isItsOwn = status !== null && status >= 400 && status < 500 && status !== 408 && status !== 429;
    if (isItsOwn) {
      entry.attempts += 1;
      entry.notBefore = now + backOff(entry.attempts, this.#office.random());
    }
    const isLong = this.#failures >= SERVER_LIMITS.webhookFailing;
    this.#change(isLong ? { state: 'failing', since: this.#failingSince, lastError: error } : { lastError: error });
  }

  #drop(entries: readonly Waiting[]): void {
    if (entries.length === 0) return;
    this.#remove(entries);
    this.#change({ dropped: this.#status.dropped + entries.length });
  }

  #remove(entries: readonly Waiting[]): void {
    const gone = new Set(entries);
    this.#waiting = this.#waiting.filter((each) => !gone.has(each));
    this.#office.done(Array.from(gone, ({ delivery }) => delivery));
  }

  #change(change: Partial<WebhookStatus>): void {
    const before = this.#status;
    this.#status = { ...before, ...change };
    this.#office.changed(before, this.#status);
  }
}
