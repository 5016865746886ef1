/** The event stream: what happens, in order, across broken connections. */
import { type ClientOptions, readAnswer, send, writeRequest } from './client.ts';
import { ApiError } from './errors.ts';
import type { JournalEvent } from './handlers.ts';
import { API_LIMITS } from './limits.ts';
import { ROUTES } from './routes.ts';

export interface FollowOptions extends Omit<ClientOptions, 'timeout'> {
  /** Number of the last event that is known already; without it only new events come. */
  readonly after?: number | undefined;
  /** Ends the iteration without an error. */
  readonly signal?: AbortSignal | undefined;
  /** Told when the connection is there (`true`) and when it breaks, so that nobody shows stale data silently. */
  readonly onConnection?: ((connected: boolean) => void) | undefined;
}

/** One block of the event stream; a block that only tells the number to go on from has no data. */
interface Block {
  readonly id: number | undefined;
  readonly data: string;
}

/** Takes the blocks out of what the server writes, whatever way the bytes were cut. */
export class EventStreamReader {
  #rest = '';

  /** @throws ApiError `not-the-api` when a block does not end. */
  push(chunk: string): Block[] {
    const blocks = (this.#rest + chunk).split('\n\n');
    this.#rest = blocks.pop() ?? '';
    if (this.#rest.length > API_LIMITS.eventLength)
      throw new ApiError('not-the-api', 'the event stream holds an event without end');
    return blocks.map((block) => {
      const [, id] = /^id: (\d+)$/m.exec(block) ?? [];
      const [, data = ''] = /^data: (.*)$/m.exec(block) ?? [];
      return { id: id === undefined ? undefined : Number(id), data };
    });
  }
}

/** Resolves after a time, or at once when aborted. */
function pause(millis: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    // biome-ignore lint/plugin: the one timer of the package; a live connection is not replayed
    const timer = setTimeout(done, millis);
    function done(): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    }
    signal?.addEventListener('abort', done);
    if (signal?.aborted) done();
  });
}

/** The text of a body as it comes. Ends early when nothing, not even a comment, comes for too long. */
async function* textOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string, void, void> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (;;) {
      const heard = new AbortController();
      const read = reader.read();
      const first = await Promise.race([read, pause(API_LIMITS.eventsSilentMs, heard.signal)]).finally(() =>
        heard.abort(),
      );
      if (first === undefined || first.value === undefined) return;
      yield first.value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

const PASSING: readonly string[] = ['unreachable', 'timeout', 'unavailable', 'internal', 'too-many-requests'];

/** Whether trying again can help, or nobody asks any more. */
function mayGoOn(error: unknown, everOpen: boolean, signal: AbortSignal | undefined): boolean {
  if (signal?.aborted) return true;
  return everOpen && (!(error instanceof ApiError) || PASSING.includes(error.code));
}

/** The blocks of one connection. Ends when the server closes it or falls silent; throws when it breaks. */
async function* connection(options: FollowOptions, after: number | undefined): AsyncGenerator<Block, void, void> {
  const request = writeRequest(ROUTES.streamEvents, { lastEventId: after });
  request.headers['Accept'] = 'text/event-stream';
  const response = await send(options, request, { caller: options.signal });
  if (!response.ok || response.body === null) {
    await readAnswer(response);
    return;
  }
  options.onConnection?.(true);
  const reader = new EventStreamReader();
  for await (const text of textOf(response.body)) yield* reader.push(text);
}

/**
 * Follows the events from the one after `after`: connects again by itself and goes on where it was, without loss or
 * repetition. @throws ApiError `gone` when the server no longer keeps that number (take a fresh snapshot and its
 * `lastEvent`), or another refusal that trying again cannot mend; `unreachable` if not even the first connection came.
 */
export async function* followEvents(options: FollowOptions): AsyncGenerator<JournalEvent, void, void> {
  let last = options.after;
  let wait: number = API_LIMITS.eventsRetryMs;
  let open = false;
  let everOpen = false;
  const onConnection = (connected: boolean): void => {
    open = connected;
    everOpen ||= connected;
    if (connected) wait = API_LIMITS.eventsRetryMs;
    options.onConnection?.(connected);
  };
  const follows = ({ id }: Block): boolean => id === undefined || last === undefined || id > last;
  for (;;) {
    try {
      for await (const block of connection({ ...options, onConnection }, last)) {
        if (!follows(block)) continue;
        last = block.id ?? last;
        if (block.data !== '') yield JSON.parse(block.data) as JournalEvent;
      }
    } catch (error) {
      if (!mayGoOn(error, everOpen, options.signal)) throw error;
    }
    if (options.signal?.aborted) return;
    if (open) onConnection(false);
    await pause(wait, options.signal);
    wait = Math.min(wait * 2, API_LIMITS.eventsRetryMostMs);
  }
}
