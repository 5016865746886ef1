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
  readonly #store: Store;
  readonly #listeners = new Set<Listener>();
  #last: number;
  #first: number;
  #told: number;

  constructor(store: Store, first: number, last: number) {
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
  record(
    kind: EventKind,
    author: string,
    subject: string,
    data: JournalEvent['data'],
    at: Instant,
  ): JournalEvent {
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
    for (const listener of this.#listeners) listener(events);
  }

  async trim(now: Instant): Promise<void> {
    this.#first = await this.#store.trim({
      eventsAfter: Math.max(0, this.#told - SERVER_LIMITS.eventsKept),
      answersSince: now - SERVER_LIMITS.answersKept,
    });
  }

  /**
   * Every event after `after`, in order, none lost or doubled: backfill from the store, then cut over to the live ones.
   * Without `after` only new ones. Ends when the signal fires or the reader is too slow. @throws EventsGone.
   */
  async *follow(after: number | undefined, signal: AbortSignal): AsyncGenerator<JournalEvent> {
    const waiting: JournalEvent[] = [];
    let wake = (): void => {};
    let tooSlow = false;
    const listener: Listener = (events) => {
      if (waiting.length + events.length > SERVER_LIMITS.streamBuffer) tooSlow = true;
      else waiting.push(...events);
      wake();
    };
    const leave = this.listen(listener);
    const stop = (): void => wake();
    signal.addEventListener('abort', stop);
    try {
      let seen = after ?? this.#told;
      if (seen + 1 < this.#first) throw new EventsGone(`events up to ${this.#first - 1} are no longer kept`);
      for await (const event of this.#backfill(seen)) {
        if (signal.aborted) return;
        seen = event.seq;
        yield event;
      }
      while (!signal.aborted && !tooSlow) {
        for (const event of waiting.splice(0)) {
          if (event.seq <= seen) continue;
          seen = event.seq;
          yield event;
        }
        if (waiting.length > 0 || tooSlow || signal.aborted) continue;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      leave();
      signal.removeEventListener('abort', stop);
    }
  }

  async *#backfill(after: number): AsyncGenerator<JournalEvent> {
    for (let seen = after; seen < this.#told; ) {
      const page = await this.#store.events({ after: seen, limit: 1_000 });
      const newest = page.at(-1);
      if (newest === undefined) return;
      yield* page;
      seen = newest.seq;
    }
  }
}
