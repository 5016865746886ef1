import type { Instant } from '@flaghoist/fleet';
import { SERVER_LIMITS } from '../limits.ts';
import type { Change, Store } from '../storage/store.ts';
import type { EventKind, JournalEvent } from './journal-event.ts';

/** The server's own name as an author. */
export const SERVER = 'flaghoist';

/** A reader asked for events that are no longer kept: take a snapshot, then follow from its number. */
export class EventsGone extends Error {
  override readonly name = 'EventsGone';
}

type Listener = (events: readonly JournalEvent[]) => void;

/** The numbered record of what happened. An event is told to subscribers only after it is durable. */
export class Journal {
  readonly #store: Pick<Store, 'events' | 'trim'>;
  readonly #listeners = new Set<Listener>();
  /** The newest events, for all readers together: one who is further behind reads the store. */
  readonly #recent: { event: JournalEvent; bytes: number }[] = [];
  #recentBytes = 0;
  #last: number;
  #first: number;
  #told: number;

  constructor(store: Pick<Store, 'events' | 'trim'>, first: number, last: number) {
    this.#store = store;
    this.#first = first;
    this.#last = last;
    this.#told = last;
  }

  /** Number of the last event that is durable. */
  get last(): number {
    return this.#told;
  }

  /** Gives an event its number; it has to be committed, then published. */
  record(kind: EventKind, author: string, subject: string, data: JournalEvent['data'], at: Instant): JournalEvent {
    this.#last += 1;
    return { seq: this.#last, at, kind, author, subject, data };
  }

  /** Calls the listener with events once they are durable, in order; returns what ends that. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  publish(changes: readonly Change[]): void {
    const events = changes.flatMap((change) => (change.kind === 'event' ? [change.row] : []));
    const newest = events.at(-1);
    if (newest === undefined) return;
    this.#told = newest.seq;
    this.#remember(events);
    for (const listener of this.#listeners) listener(events);
  }

  async trim(now: Instant): Promise<void> {
    this.#first = await this.#store.trim({
      eventsAfter: Math.max(0, this.#told - SERVER_LIMITS.eventsKept),
      answersSince: now - SERVER_LIMITS.answersKept,
    });
  }

  /**
   * Every event after `after`, in order, none lost or doubled. Without `after` only new ones. Nothing is gathered for
   * a reader: it takes the next page when it is ready for it. Ends when the signal fires. @throws EventsGone, at the
   * first step or when the reader fell behind what is kept.
   */
  async *follow(after: number | undefined, signal: AbortSignal): AsyncGenerator<JournalEvent> {
    let seen = after ?? this.#told;
    if (seen > this.#told) throw new EventsGone(`event ${seen} has not happened here (the last one is ${this.#told})`);
    if (seen + 1 < this.#first) throw new EventsGone(`events up to ${this.#first - 1} are no longer kept`);
    for (;;) {
      if (seen === this.#told) await this.#news(signal);
      if (signal.aborted) return;
      const page = await this.#page(seen);
      if (page[0]?.seq !== seen + 1) throw new EventsGone(`the events after ${seen} are no longer kept`);
      for (const event of page) {
        if (signal.aborted) return;
        seen = event.seq;
        yield event;
      }
    }
  }

  /** Resolves when an event was told, or the signal fired. */
  #news(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        leave();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const leave = this.listen(done);
      signal.addEventListener('abort', done);
      if (signal.aborted) done();
    });
  }

  /** Some of the events told after `seen`, few enough to be held for many slow readers at once. */
  async #page(seen: number): Promise<readonly JournalEvent[]> {
    const limit = Math.min(SERVER_LIMITS.eventsPage, this.#told - seen);
    const oldest = this.#recent[0]?.event.seq ?? Number.POSITIVE_INFINITY;
    if (seen + 1 < oldest) return this.#store.events({ after: seen, limit });
    const from = seen + 1 - oldest;
    return this.#recent.slice(from, from + limit).map(({ event }) => event);
  }

  #remember(events: readonly JournalEvent[]): void {
    for (const event of events) {
      const bytes = JSON.stringify(event.data).length;
      this.#recent.push({ event, bytes });
      this.#recentBytes += bytes;
    }
    let over = 0;
    while (this.#recentBytes > SERVER_LIMITS.eventsBytes || this.#recent.length - over > SERVER_LIMITS.eventsRecent) {
      this.#recentBytes -= this.#recent[over]?.bytes ?? 0;
      over += 1;
    }
    this.#recent.splice(0, over);
  }
}
