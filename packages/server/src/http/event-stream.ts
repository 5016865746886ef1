import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { API_LIMITS, ApiError } from '@flaghoist/api';
import type { ControlPlane } from '../control-plane.ts';
import { EventsGone } from '../events/journal.ts';
import { SERVER_LIMITS } from '../limits.ts';
import { eventView } from './views.ts';

/**
 * Writes the journal as `text/event-stream` until the reader leaves, or takes nothing for `stall` milliseconds and is
 * cut off; then it comes back with the number of the last event it saw. `begun` is called when the answer is certain
 * to be a stream. @throws ApiError `gone` before anything is written when that number is not kept here.
 */
export async function streamEvents(
  { journal }: Pick<ControlPlane, 'journal'>,
  after: number | undefined,
  response: ServerResponse,
  begun: () => void,
  stall: number = SERVER_LIMITS.streamStall,
): Promise<void> {
  const leave = new AbortController();
  response.once('close', () => leave.abort());
  const events = journal.follow(after, leave.signal);
  const begin = (): void => {
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    // Where it begins, so that a reader cut off before the first event can resume without a hole.
    response.write(after === undefined ? `id: ${journal.last}\n\n` : ': resumed\n\n');
  };
  const next = events.next();
  try {
    // A generator refuses at its first step; if it only waits, the head goes out meanwhile.
    await Promise.race([next, new Promise((resolve) => setImmediate(resolve))]);
  } catch (error) {
    if (!(error instanceof EventsGone)) throw error;
    throw new ApiError('gone', `${error.message}: read /fleet and follow from its lastEvent`);
  }
  begun();
  begin();
  const beat = setInterval(() => response.write(': beat\n\n'), API_LIMITS.eventsBeatMs);
  try {
    for (let step = await next; step.done !== true; step = await events.next()) {
      const view = eventView(step.value);
      const room = response.write(`id: ${view.seq}\nevent: ${view.kind}\ndata: ${JSON.stringify(view)}\n\n`);
      if (room) continue;
      const patience = AbortSignal.any([leave.signal, AbortSignal.timeout(stall)]);
      if (!(await drained(response, patience))) return;
    }
  } catch (error) {
    // Further behind than what is kept: told so when it comes back.
    if (!(error instanceof EventsGone)) throw error;
  } finally {
    clearInterval(beat);
    // What a reader does not take would wait for ever behind a polite end.
    response.destroy();
  }
}

/** Whether everything written was taken before the signal fired. */
const drained = (response: ServerResponse, signal: AbortSignal): Promise<boolean> =>
  once(response, 'drain', { signal }).then(
    () => true,
    () => false,
  );
