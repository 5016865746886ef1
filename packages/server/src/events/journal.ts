import { EventEmitter, once } from 'node:events';
import { FleetError, type Instant } from '@flaghoist/fleet';
import type { Now } from '../clock.ts';
import { SERVER_LIMITS } from '../limits.ts';
import { Remembered } from '../remembered.ts';
import type { Change, Loaded, Store } from '../storage/store.ts';
import type { EventKind, JournalEvent } from './journal-event.ts';

/** The server's own name as an author. */
const SERVER = 'flaghoist';

/** Why a reader cannot follow from the number that it knows. */
const gone = (why: string) => new FleetError('gone', `${why}: read /fleet and follow from its lastEvent`);

type EventStore = Pick<Store, 'events' | 'trim'>;
type EventRange = Pick<Loaded, 'firstEvent' | 'lastEvent'>;

/**
 * What the next commit holds, and the numbered record of what happened. An event is told to subscribers (`told`, in
 * order) only after it is durable.
 */
export class Journal extends EventEmitter<{ told: [readonly JournalEvent[]] }> {
  readonly #store: EventStore;
  readonly #now: Now;
  /** The newest events, for all readers together: one who is further behind reads the store. */
  readonly #recent = new Remembered<JournalEvent>(SERVER_LIMITS.eventsRecent);
  #unwritten: Change[] = [];
  #first: number;
  #last: number;
  #told: number;
  /** Called when there is something to commit. */
  onWritten: () => void = () => {};
  /** Called with each event that is to be committed: what is written here stands in the same commit. */
  onRecorded: (event: JournalEvent) => void = () => {};

  constructor(store: EventStore, { firstEvent, lastEvent }: EventRange, now: Now) {
    super();
    this.setMaxListeners(0);
    this.#store = store;
    this.#now = now;
    this.#first = firstEvent;
    this.#last = lastEvent;
    this.#told = lastEvent;
  }

  /** Number of the last event that is durable. */
  get last(): number {
    return this.#told;
  }

  /** Has these rows committed with the next turn. */
  write(...changes: readonly Change[]): void {
    this.#unwritten.push(...changes);
    this.onWritten();
  }

  /** Has an event committed with the next turn, and then told. Without an author it is the server's own doing. */
  record(kind: EventKind, subject: string, data: JournalEvent['data'], author = SERVER): void {
    this.#last += 1;
    const row = { seq: this.#last, at: this.#now(), kind, author, subject, data };
    this.write({ kind: 'event', row });
    this.onRecorded(row);
  }

  /** What was written since the last call: to be committed, then published. */
  take(): Change[] {
    return this.#unwritten.splice(0);
  }

  /** Tells what these changes recorded, now that they are durable. */
  publish(changes: readonly Change[]): void {
    const events = changes.flatMap((change) => (change.kind === 'event' ? [change.row] : []));
    const newest = events.at(-1);
    if (newest === undefined) return;
    this.#told = newest.seq;
    for (const event of events) this.#recent.set(`${event.seq}`, event, JSON.stringify(event.data).length);
    this.emit('told', events);
  }

  /** The event with that number; undefined when it is no longer kept. */
  async find(seq: number): Promise<JournalEvent | undefined> {
    const event = this.#recent.get(`${seq}`) ?? (await this.#store.events({ after: seq - 1, limit: 1 }))[0];
    return event?.seq === seq ? event : undefined;
  }

  async trim(now: Instant): Promise<void> {
    this.#first = await this.#store.trim({
      eventsAfter: Math.max(0, this.#told - SERVER_LIMITS.eventsKept),
      answersSince: now - SERVER_LIMITS.answersKept,
    });
  }

  /**
   * Every event after `after`, in order, none lost or doubled. Without `after` only new ones. Nothing is gathered for
   * a reader: it takes the next page when it is ready for it. Ends when the signal fires. @throws FleetError `gone`,
   * at once or when the reader fell behind what is kept.
   */
  follow(after: number | undefined, signal: AbortSignal): AsyncGenerator<JournalEvent> {
    const from = after ?? this.#told;
    if (from > this.#told) throw gone(`event ${from} has not happened here (the last one is ${this.#told})`);
    if (from + 1 < this.#first) throw gone(`events up to ${this.#first - 1} are no longer kept`);
    return this.#from(from, signal);
  }

  async *#from(after: number, signal: AbortSignal): AsyncGenerator<JournalEvent> {
    let seen = after;
    for (;;) {
      // Rejects when the signal fires, which ends this just below.
      if (seen === this.#told) await once(this, 'told', { signal }).catch(() => {});
      if (signal.aborted) return;
      const page = await this.#page(seen);
      if (page[0]?.seq !== seen + 1) throw gone(`the events after ${seen} are no longer kept`);
      for (const event of page) {
        if (signal.aborted) return;
        seen = event.seq;
        yield event;
      }
    }
  }

  /** Some of the events told after `seen`, few enough to be held for many slow readers at once. */
  async #page(seen: number): Promise<readonly JournalEvent[]> {
    const limit = Math.min(SERVER_LIMITS.eventsPage, this.#told - seen);
    const page: JournalEvent[] = [];
    while (page.length < limit) {
      const event = this.#recent.get(`${seen + 1 + page.length}`);
      if (event === undefined) break;
      page.push(event);
    }
    return page.length > 0 ? page : this.#store.events({ after: seen, limit });
  }
}
