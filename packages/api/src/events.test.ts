import { afterEach, expect, test, vi } from 'vitest';
import { ApiError, problemDocument } from './errors.ts';
import { followEvents } from './events.ts';
import { API_LIMITS } from './limits.ts';
import type { JournalEvent } from './types.ts';

afterEach(() => vi.useRealTimers());

const block = (seq: number): string =>
  `id: ${seq}\nevent: group.created\ndata: ${JSON.stringify({ seq, kind: 'group.created' })}\n\n`;

/** A connection that gives these texts and then breaks, or stays silent. */
function streamOf(texts: readonly string[], end: 'closes' | 'breaks' | 'silent' = 'closes'): Response {
  const left = [...texts];
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      const text = left.shift();
      if (text !== undefined) controller.enqueue(new TextEncoder().encode(text));
      else if (end === 'closes') controller.close();
      else if (end === 'breaks') controller.error(new TypeError('terminated'));
      else return new Promise(() => undefined);
      return undefined;
    },
  });
  return new Response(body, { headers: { 'Content-Type': 'text/event-stream' } });
}

/** Follows until `most` events came; tells which numbers came and what each connection asked for. */
async function follow(
  connections: (() => Response | Promise<Response>)[],
  { after, most }: { after?: number; most: number },
) {
  const asked: (string | null)[] = [];
  const states: boolean[] = [];
  const seen: number[] = [];
  const controller = new AbortController();
  const events = followEvents({
    baseUrl: 'http://fleet',
    after,
    signal: controller.signal,
    onConnection: (connected) => states.push(connected),
    fetch: async (_, init) => {
      asked.push(new Headers(init?.headers).get('last-event-id'));
      const next = connections.shift();
      if (next === undefined) throw new TypeError('fetch failed');
      return next();
    },
  });
  for await (const { seq } of events) {
    seen.push(seq);
    if (seen.length >= most) controller.abort();
  }
  return { asked, states, seen };
}

test('goes on where it was after a broken connection, without loss or repetition', async () => {
  const told = await follow(
    [
      () => streamOf([block(8), block(9)], 'breaks'),
      () => Promise.reject(new TypeError('fetch failed')),
      () => streamOf([': beat\n\n', block(9), block(10)]),
    ],
    { after: 7, most: 3 },
  );
  expect(told.seen).toEqual([8, 9, 10]);
  expect(told.asked).toEqual(['7', '9', '9']);
  expect(told.states).toEqual([true, false, true]);
});

test('without a number it resumes from the id that the server began with', async () => {
  const { asked, seen } = await follow([() => streamOf(['id: 41\n\n']), () => streamOf([block(42)])], {
    most: 1,
  });
  expect([asked, seen]).toEqual([[null, '41'], [42]]);
});

test('410 is ApiError gone; so is every refusal that trying again cannot mend', async () => {
  const gone = new ApiError('gone', 'kept from 900 on: take a snapshot');
  const refusing = () => Response.json(problemDocument(gone), { status: 410 });
  await expect(follow([refusing], { after: 3, most: 1 })).rejects.toMatchObject({
    code: 'gone',
    status: 410,
  });
  await expect(follow([() => streamOf([block(4)]), refusing], { after: 3, most: 2 })).rejects.toMatchObject({
    code: 'gone',
  });
});

test('the first connection must come about', async () => {
  await expect(follow([], { after: 3, most: 1 })).rejects.toMatchObject({ code: 'unreachable' });
});

test('a connection that says nothing at all is given up', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const told = follow([() => streamOf([block(4)], 'silent'), () => streamOf([block(5)])], {
    after: 3,
    most: 2,
  });
  const patience = (API_LIMITS.eventsSilentMs + API_LIMITS.eventsRetryMs) / API_LIMITS.eventsRetryMs;
  for (let step = 0; step < 2 * patience; step += 1) await vi.advanceTimersByTimeAsync(API_LIMITS.eventsRetryMs);
  expect((await told).seen).toEqual([4, 5]);
});

test('blocks are found however the bytes are cut', async () => {
  const text = `: hello\n\n${block(1)}id: 2\ndata: {"seq":2}\n\n`;
  for (let size = 1; size <= text.length; size += 1) {
    const texts = text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [];
    expect((await follow([() => streamOf(texts)], { after: 0, most: 2 })).seen).toEqual([1, 2]);
  }
});

test('an event without end is refused', async () => {
  const endless = () => streamOf([block(4), 'data: '.padEnd(API_LIMITS.eventLength + 1, 'x')]);
  await expect(follow([endless], { after: 3, most: 2 })).rejects.toMatchObject({ code: 'not-the-api' });
});

test('events are typed', async () => {
  const events: AsyncGenerator<JournalEvent> = followEvents({
    baseUrl: 'http://x',
    signal: AbortSignal.abort(),
  });
  expect((await events.next()).done).toBe(true);
});
