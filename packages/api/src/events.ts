/** The event stream: what happens, in order, across broken connections. */
import { type ClientOptions, send } from './client.ts';
import { ApiError, notTheApi } from './errors.ts';
import { API_LIMITS } from './limits.ts';
import type { JournalEvent } from './types.ts';

export interface FollowOptions extends Omit<ClientOptions, 'timeout'> {
  /** Number of the last event that is known already; without it only new events come. */
  readonly after?: number | undefined;
  /** Ends the iteration without an error. */
  readonly signal?: AbortSignal | undefined;
  /** Told when the connection is there (`true`) and when it breaks, so that nobody shows stale data silently. */
  readonly onConnection?: ((connected: boolean) => void) | undefined;
}

/** Resolves after a time, or at once when aborted. */
async function pause(millis: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  // biome-ignore lint/plugin: the one timer of the package; a live connection is not replayed
  const timer = setTimeout(resolve, signal.aborted ? 0 : millis);
  const end = (): void => resolve();
  signal.addEventListener('abort', end);
  await promise;
  clearTimeout(timer);
  signal.removeEventListener('abort', end);
}

/**
 * The blocks of a body, however its bytes are cut: their numbers, and their data, which is empty when a block only tells
 * the number to go on from. Comments are passed over. Ends when nothing, not even a comment, comes for too long.
 * @throws ApiError `not-the-api` when a block does not end.
 */
async function* blocksOf({ body, status }: Response) {
  if (body === null) throw notTheApi(status);
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let unread = '';
  try {
    for (;;) {
      const heard = new AbortController();
      const silence = pause(API_LIMITS.eventsSilentMs, heard.signal);
      const chunk = await Promise.race([reader.read(), silence]).finally(() => heard.abort());
      if (chunk?.value === undefined) return;
      const blocks = (unread + chunk.value).split('\n\n');
      unread = blocks.pop() ?? '';
      if (unread.length > API_LIMITS.eventLength)
        throw new ApiError('not-the-api', 'the event stream holds an event without end');
      for (const block of blocks) {
        const [, id] = /^id: (\d+)$/m.exec(block) ?? [];
        const [, data = ''] = /^data: (.*)$/m.exec(block) ?? [];
        if (id !== undefined) yield { id: Number(id), data };
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

const PASSING: readonly string[] = ['unreachable', 'timeout', 'unavailable', 'internal', 'too-many-requests'];
const mayPass = (error: unknown): boolean => !(error instanceof ApiError) || PASSING.includes(error.code);

/**
 * Follows the events from the one after `after`: connects again by itself and goes on where it was, without loss or
 * repetition. @throws ApiError `gone` when the server no longer keeps that number (take a fresh snapshot and its
 * `lastEvent`), or another refusal that trying again cannot mend; `unreachable` if not even the first connection came.
 */
export async function* followEvents(options: FollowOptions): AsyncGenerator<JournalEvent, void, void> {
  const { signal = new AbortController().signal, onConnection } = options;
  let last = options.after;
  let wait: number = API_LIMITS.eventsRetryMs;
  let everOpen = false;
  while (!signal.aborted) {
    let open = false;
    try {
      const blocks = await send(options, 'streamEvents', { lastEventId: last }, signal, blocksOf);
      open = everOpen = true;
      wait = API_LIMITS.eventsRetryMs;
      onConnection?.(true);
      for await (const { id, data } of blocks) {
        if (id <= (last ?? -1)) continue;
        last = id;
        if (data !== '') yield JSON.parse(data) as JournalEvent;
      }
    } catch (error) {
      if (!signal.aborted && !(everOpen && mayPass(error))) throw error;
    }
    if (open && !signal.aborted) onConnection?.(false);
    await pause(wait, signal);
    wait = Math.min(wait * 2, API_LIMITS.eventsRetryMostMs);
  }
}
