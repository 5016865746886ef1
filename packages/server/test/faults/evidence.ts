/** Judges the server by what its agents wrote down (R28), not by what it believes. */
import assert from 'node:assert/strict';
import type { InstanceUid } from '@flaghoist/opamp';
import { openSqliteStore } from '../../src/storage/sqlite-store.ts';

/** What an agent received, in order, as it wrote it down itself. */
export interface Witness {
  readonly uid: InstanceUid;
  readonly hashes: readonly string[];
}

/**
 * Of a server that is not running: each configuration that an agent received from its `since`-th on has a record of sending
 * that is on disk, as many times as it was received (I3).
 */
export async function expectLogged(directory: string, agents: readonly Witness[], since: ReadonlyMap<Witness, number>) {
  if (agents.every((agent) => agent.hashes.length === (since.get(agent) ?? 0))) return;
  await using store = await openSqliteStore({ directory });
  const rows = new Map((await store.load()).agents.map(({ identity }) => [identity.instanceUid, identity.id]));
  for (const agent of agents) {
    const received = Map.groupBy(agent.hashes.slice(since.get(agent) ?? 0), (hash) => hash);
    if (received.size === 0) continue;
    const ledger = await store.ledger(rows.get(agent.uid) ?? '');
    for (const [hash, times] of received) {
      const sent = ledger.filter(({ revision }) => revision.hash === hash).reduce((sum, { sends }) => sum + sends, 0);
      assert.ok(
        sent >= times.length,
        `${agent.uid} received ${hash} ${times.length} times; on disk it was sent ${sent} times`,
      );
    }
  }
}

/** No agent got the same twice: whoever named a hash when it came back is not sent it again (I5). */
export function expectNothingTwice(agents: readonly Witness[]): void {
  const twice = agents.filter(({ hashes }) => new Set(hashes).size < hashes.length);
  assert.deepEqual(
    twice.map(({ uid, hashes }) => ({ uid, hashes })),
    [],
  );
}
