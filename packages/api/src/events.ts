/** The event stream: what happens, in order, across broken connections. */
import { type ClientOptions, send, writeRequest } from './client.ts';
import { ApiError, notTheApi } from './errors.ts';
import { API_LIMITS } from './limits.ts';
import { ROUTES } from './routes.ts';
import type { JournalEvent } from './types.ts';

export interface FollowOptions extends Omit<ClientOptions, 'timeout'> {
  /** Number of the last event that is known already; without it only new events come. */
  readonly after?: number | undefined;
  /** Ends the iteration without an error. */
  readonly signal?: AbortSignal | undefined;
  /** Told when the connection is there (`true`) and when it breaks, so that nobody shows stale data silently. */
  readonly onConnection?: ((connected: boolean) => void) | undefined;
}

/** One block of the event stream; one that only tells the number to go on from has no data. */
interface Block {
  readonly id: number;
  readonly data: string;
}

/** Takes the blocks out of what the server writes, whatever way the bytes were cut. Comments are passed over. */
export class EventStreamReader {
  #rest = '';

  /** @throws ApiError `not-the-api` when a block does not end. */
  push(chunk: string): Block[] {
    const blocks = (this.#rest + chunk).split('\n\n');
    this.#rest = blocks.pop() ?? '';
    if (this.#rest.length > API_LIMITS.eventLength)
      throw new ApiError('not-the-api', 'the event stream holds an event without end');
    return blocks.flatMap((block) => {
      const [, id] = /^id: (\d+)$/m.exec(block) ?? [];
      const [, data = ''] = /^data: (.*)$/m.exec(block) ?? [];
      return id === undefined ? [] : [{ id: Number(id), data }];
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

/** The blocks of a body as they come. Ends early when nothing, not even a comment, comes for too long. */
async function* blocksOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<Block, void, void> {
  const stream = new EventStreamReader();
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (;;) {
      const heard = new AbortController();
      const silence = pause(API_LIMITS.eventsSilentMs, heard.signal);
      const chunk = await Promise.race([reader.read(), silence]).finally(() => heard.abort());
      if (chunk?.value === undefined) return;
      yield* stream.push(chunk.value);
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

async function connect(options: FollowOptions, lastEventId: number | undefined) {
  const request = writeRequest(ROUTES.streamEvents, { lastEventId });
  request.headers['Accept'] = 'text/event-stream';
  const { body, status } = await send(options, request, { caller: options.signal });
  if (body === null) throw notTheApi(status);
  return blocksOf(body);
}

const PASSING: readonly string[] = ['unreachable', 'timeout', 'unavailable', 'internal', 'too-many-requests'];
const mayPass = (error: unknown): boolean => !(error instanceof ApiError) || PASSING.includes(error.code);

/**
 * Follows the events from the one after `after`: connects again by itself and goes on where it was, without loss or
 * repetition. @throws ApiError `gone` when the server no longer keeps that number (take a fresh snapshot and its
 * `lastEvent`), or another refusal that trying again cannot mend; `unreachable` if not even the first connection came.
 */
export async function* followEvents(options: FollowOptions): AsyncGenerator<JournalEvent, void, void> {
  const { signal, onConnection } = options;
  let last = options.after;
  let wait: number = API_LIMITS.eventsRetryMs;
  let everOpen = false;
  while (!signal?.aborted) {
    let open = false;
    try {
      const blocks = await connect(options, last);
      open = everOpen = true;
      wait = API_LIMITS.eventsRetryMs;
      onConnection?.(true);
      for await (const { id, data } of blocks) {
        if (id <= (last ?? -1)) continue;
        last = id;
        if (data !== '') yield JSON.parse(data) as JournalEvent;
      }
    } catch (error) {
      if (!signal?.aborted && !(everOpen && mayPass(error))) throw error;
    }
    if (open && !signal?.aborted) onConnection?.(false);
    await pause(wait, signal);
    wait = Math.min(wait * 2, API_LIMITS.eventsRetryMostMs);
  }
}
