import type { ServerResponse } from 'node:http';
import { API_LIMITS, ApiError } from '@flaghoist/api';
import type { ControlPlane } from '../control-plane.ts';
import { EventsGone } from '../events/journal.ts';
import { eventView } from './views.ts';

/**
 * Writes the journal as `text/event-stream` until the reader leaves or is too slow; then it comes back with the number
 * of the last event it saw. `begun` is called when the answer is certain to be a stream. @throws ApiError `gone` before anything is written when that number is no longer kept.
 */
export async function streamEvents(
  { journal }: ControlPlane,
  after: number | undefined,
  response: ServerResponse,
  begun: () => void,
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
      if (!room) await drained(response, leave.signal);
    }
  } finally {
    clearInterval(beat);
    response.end();
  }
}

function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    response.once('drain', resolve);
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
