import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { API_LIMITS } from '@flaghoist/api';
import { writeAnswer } from '@flaghoist/api/wire';
import { FleetError } from '@flaghoist/fleet';
import type { ControlPlane } from '../control-plane.ts';
import type { JournalEvent } from '../events/journal-event.ts';
import { SERVER_LIMITS } from '../limits.ts';

export const STREAM_HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
};

async function* blocksOf(events: AsyncIterable<JournalEvent>): AsyncGenerator<string> {
  for await (const event of events) {
    const data = JSON.stringify(writeAnswer('streamEvents', event));
    yield `id: ${event.seq}\nevent: ${event.kind}\ndata: ${data}\n\n`;
  }
}

/**
 * Writes the journal as `text/event-stream` until the reader leaves, or takes nothing for `stall` milliseconds and is
 * cut off; then, or when it is further behind than what is kept, it comes back with the number of the last event it saw.
 * @throws FleetError `gone` before anything is written, when that number is not kept here.
 */
export async function streamEvents(
  { journal }: Pick<ControlPlane, 'journal'>,
  after: number | undefined,
  response: ServerResponse,
  stall: number = SERVER_LIMITS.streamStall,
): Promise<void> {
  const leave = new AbortController();
  const events = journal.follow(after, leave.signal);
  response.once('close', () => leave.abort());
  // Nothing was taken for so long: that is a fault only while something waits to be taken.
  response.setTimeout(stall, () => response.writableNeedDrain && response.destroy());
  response.writeHead(200, STREAM_HEADERS);
  // Where it begins, so that a reader cut off before the first event can resume without a hole.
  response.write(after === undefined ? `id: ${journal.last}\n\n` : ': resumed\n\n');
  const beat = setInterval(() => response.writableNeedDrain || response.write(': beat\n\n'), API_LIMITS.eventsBeatMs);
  try {
    await pipeline(blocksOf(events), response);
  } catch (error) {
    // Whoever left, was cut off or is too far behind comes back with its number.
    if (!leave.signal.aborted && !(error instanceof FleetError)) throw error;
  } finally {
    clearInterval(beat);
  }
}
