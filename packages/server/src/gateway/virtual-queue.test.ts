import { describe, expect, it, test } from 'vitest';
import { virtualQueue } from './virtual-queue.ts';

/** Numbers from 0 to 1, the same for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/**
 * Agents that come back as opamp-go does: at once, then after 0.5 s growing by half, give or take half, and never before
 * `Retry-After`, which has whole seconds.
 */
function storm({ agents, perSecond, burst, seed }: Record<'agents' | 'perSecond' | 'burst' | 'seed', number>) {
  const arrive = virtualQueue({ perSecond, burst });
  const random = randomOf(seed);
  const attempts = Array.from({ length: agents }, () => ({ at: random() * 500, backoff: 500 }));
  const admitted: number[] = [];
  let tries = 0;
  for (let due = attempts; due.length > 0; ) {
    due.sort((one, other) => one.at - other.at);
    const [first] = due;
    const until = (first?.at ?? 0) + 100;
    const later: typeof attempts = [];
    for (const attempt of due) {
      if (attempt.at >= until) {
        later.push(attempt);
        continue;
      }
      tries += 1;
      const wait = arrive(attempt.at);
      if (wait === 0) admitted.push(attempt.at);
      else {
        const pause = Math.max(attempt.backoff * (0.5 + random()), Math.ceil(wait / 1_000) * 1_000);
        later.push({ at: attempt.at + pause, backoff: Math.min(60_000, attempt.backoff * 1.5) });
      }
    }
    due = later;
  }
  admitted.sort((one, other) => one - other);
  return { admitted, tries };
}

describe.each([1, 2, 3, 4, 5])('R9, S-258: a storm of 10,000, seed %i', (seed) => {
  const perSecond = 500;
  const { admitted, tries } = storm({ agents: 10_000, perSecond, burst: perSecond, seed });

  it('is over when it can be: 99 of 100 within 1.2 times the least time', () => {
    expect((admitted[9_900] ?? Number.POSITIVE_INFINITY) / 1_000).toBeLessThan((1.2 * 10_000) / perSecond);
  });

  it('lets in no more than the rate and the burst in any second', () => {
    for (const [index, at] of admitted.entries()) {
      const within = admitted.slice(index, index + 3 * perSecond).filter((other) => other < at + 1_000).length;
      expect(within).toBeLessThanOrEqual(2 * perSecond + 1);
    }
  });

  it('sends nobody away often: at most 3.5 attempts each', () => {
    expect(tries / 10_000).toBeLessThan(3.5);
  });
});

test('a quiet server turns nobody away, however long it was quiet', () => {
  const arrive = virtualQueue({ perSecond: 10, burst: 5 });
  const waits = Array.from({ length: 100 }, (_, index) => arrive(index * 100));
  expect(waits).toEqual(waits.map(() => 0));
  expect(Array.from({ length: 7 }, () => arrive(1e6)).map((wait) => wait > 0)).toEqual([
    ...Array(5).fill(false),
    true,
    true,
  ]);
});

test('a clock that goes back shuts nobody out for longer than it went', () => {
  const arrive = virtualQueue({ perSecond: 10, burst: 1 });
  arrive(10_000);
  expect(arrive(9_000)).toBeGreaterThan(0);
  expect(arrive(10_100)).toBe(0);
});
