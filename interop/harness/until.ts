import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Asks until the answer is neither undefined, null nor false, and returns it. A question that throws has not been answered
 * yet: a server that is being restarted refuses connections. A failed `expect` or `assert` ends the asking.
 */
export async function until<T>(
  what: string,
  ask: () => Promise<T> | T,
  { timeoutMs = 30_000, everyMs = 100 }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<NonNullable<Exclude<T, false>>> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    let cause: unknown;
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== null && answer !== false) {
        return answer as NonNullable<Exclude<T, false>>;
      }
    } catch (error) {
      if (error instanceof Error && error.name === 'AssertionError') throw error;
      cause = error;
    }
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`, { cause });
    await sleep(everyMs);
  }
}
