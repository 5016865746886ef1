/** kill -9 of the real program at each of its failpoints, in a story that passes them all (T-A5, I2, I3, I5, I15, I16, R2). */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError } from '@flaghoist/api';
import { fold } from '@flaghoist/fleet';
import type { Failpoint } from '../../src/failpoints.ts';
import { STORE_LIMITS } from '../../src/limits.ts';
import { openSqliteStore } from '../../src/storage/sqlite-store.ts';
import { until } from '../lab.ts';
import { Program } from '../program.ts';
import { randomOf } from '../random.ts';
import { expectLogged } from './evidence.ts';
import { CANARY, Troupe } from './story.ts';

/** How often the story passes each point, from the start of the program to its clean end. */
export async function tracePoints(): Promise<ReadonlyMap<string, number>> {
  await using server = await Program.create();
  using troupe = new Troupe(server);
  const since = performance.now();
  assert.ok(await server.start('trace'));
  await troupe.play();
  // For the lease to be renewed.
  await sleep(Math.max(0, STORE_LIMITS.leaseTime / 2 - (performance.now() - since)));
  await troupe.end();
  await server.kill('SIGTERM');
  const passed = Array.from(server.log.matchAll(/^failpoint (.+)$/gm), ([, name = '']) => name);
  return new Map(
    Map.groupBy(passed, (name) => name)
      .entries()
      .map(([name, all]) => [name, all.length]),
  );
}

/** Kills at the nth passing of a point, starts again, and lets the story end. @throws what did not hold */
export async function killAt(point: Failpoint, nth: number): Promise<void> {
  await using server = await Program.create();
  using troupe = new Troupe(server);
  const played = server.start(`${point}:${nth}`).then(async (ready) => {
    if (!ready) return;
    await troupe.play();
    if (point.startsWith('lease.give-up')) await server.kill('SIGTERM');
  });
  const cut = await played.catch((error: unknown) => error);
  await until(
    () => server.process.signalCode,
    (signal) => signal !== null,
    STORE_LIMITS.leaseTime,
  ).catch(() => assert.fail(`${point}:${nth} was not reached: ${cut}\n${server.log}`));
  // What the story met is that the server was gone, and nothing else.
  if (cut instanceof Error && !(cut instanceof ApiError && cut.code === 'unreachable')) {
    assert.match(`${cut} ${String(cut.cause)}`, /ECONN|socket|unreachable|closed/);
  }
  await expectLogged(server.directory, troupe.agents, new Map());
  await expectFolded(server.directory);

  assert.ok(await server.start());
  const hash = await troupe.end();
  for (const { hashes } of troupe.agents) assert.equal(hashes.at(-1), hash);
  expectBounded(troupe);
  await server.kill();
  await expectLogged(server.directory, troupe.agents, new Map());
  await expectFolded(server.directory);
}

/** What is stored of each rollout is the fold of its log (I15). */
async function expectFolded(directory: string): Promise<void> {
  await using store = await openSqliteStore({ directory });
  const { rollouts, travelled } = await store.load();
  assert.equal(travelled, null);
  for (const summary of rollouts) {
    const { targets: _, carried: __, ...folded } = fold(await store.rolloutLog(summary.id)) ?? assert.fail('no log');
    assert.deepEqual(JSON.parse(JSON.stringify(folded)), summary);
  }
}

/** A bad revision got to nobody but the canary (I2), once; nobody got the same again but by a person's retry (I5). */
function expectBounded({ agents, broken, retried }: Troupe): void {
  for (const hash of broken) assert.ok(agents.filter(({ hashes }) => hashes.includes(hash)).length <= CANARY, hash);
  for (const { uid, hashes } of agents) {
    const again = hashes.filter((hash, at) => hash === hashes[at - 1]);
    assert.ok(again.length <= (retried.size > 0 ? 1 : 0), `${uid} got again: ${again}`);
    for (const hash of broken) {
      const times = hashes.filter((one) => one === hash).length;
      assert.ok(times <= (retried.size > 0 ? 2 : 1), `${uid} got what it had refused ${times} times`);
    }
  }
}

/** Which passing of a point, of so many in a story: `draw` is 0 to 1. How many there are differs a little with time. */
export const passingOf = (times: number, draw: number): number => 1 + Math.floor(draw * Math.ceil(times / 2));

/** `count` of the points, in the order of a seed. */
export function somePoints<T>(points: readonly T[], count: number, seed: number): T[] {
  const random = randomOf(seed);
  const drawn = points.map((point) => [random(), point] as const);
  return drawn
    .toSorted(([a], [b]) => a - b)
    .slice(0, count)
    .map(([, point]) => point);
}
