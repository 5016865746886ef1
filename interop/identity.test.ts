// Who is who: two Supervisors with one uid, and a server that has lost everything it knew.
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Edge, startEdge } from './harness/edge.ts';
import { connected, ledgerOf, proven } from './harness/expectations.ts';
import { useLab } from './harness/lab.ts';
import { startSupervisor } from './harness/supervisor.ts';
import { until } from './harness/until.ts';

describe.concurrent('a Supervisor started from a copy of the storage of another', () => {
  const lab = useLab();
  let edge: Edge;
  beforeAll(async () => {
    edge = await startEdge(lab);
  });

  test('gets a uid of its own, and keeps it; neither is offered anything for it: R20', async () => {
    const { server } = edge;
    const [original, { revision }] = await edge.startProven('original');
    const { uid } = original;
    const collectors = original.collectors();
    const { id } = await server.api.agent(uid);
    const endpoint = server.websocketUrl;
    const clone = await startSupervisor(lab, { name: 'clone', role: 'original', endpoint, cloneOf: original });
    expect(clone.uid).toBe(uid);
    // Over a new connection a uid is an agent that came back, until the old one is heard again: at its next heartbeat.
    await until('they are told apart', () => clone.uid !== uid, { timeoutMs: 45_000 });
    await Promise.all([original, clone].map((supervisor) => proven(server, supervisor, revision)));
    expect(original.uid).toBe(uid);
    expect(original.collectors()).toEqual(collectors);
    expect(original.offers()).toEqual([revision.hash]);
    // It keeps its uid in its effective config, so its Collector is restarted for it; what it runs is known by its hash.
    await until('its Collector is restarted', () => clone.collectors().length === 2 && clone.collectorPid());
    await connected(server, clone);
    expect(clone.offers()).toEqual([]);
    const agents = await server.api.agents('original');
    expect(agents.map(({ instanceUid }) => instanceUid).sort()).toEqual([uid, clone.uid].sort());
    expect(await server.api.agent(uid)).toMatchObject({ id, connected: true, sync: 'in-sync' });

    const own = clone.uid;
    await clone.kill('SIGKILL');
    await clone.start().ready();
    await connected(server, clone);
    expect(clone.uid).toBe(own);
    expect(clone.offers()).toEqual([]);
    expect(await server.api.agents('original')).toHaveLength(2);
  });
});

describe.concurrent('a server whose database was deleted', () => {
  const lab = useLab();
  let edge: Edge;
  beforeAll(async () => {
    edge = await startEdge(lab);
  });

  test('knows its agents again, and offers nothing; the same text, saved and pushed again, is proven without being sent', async () => {
    const { server } = edge;
    const [supervisor, { revision }] = await edge.startProven('known');
    const before = { offers: supervisor.offers(), collectors: supervisor.collectors() };
    await server.kill();
    server.loseData();
    await server.start();
    const agent = await connected(server, supervisor);
    const reported = { hash: revision.hash, status: 'APPLIED' };
    expect(agent).toMatchObject({ state: 'unmanaged', group: null, desired: null, reported, ledger: [] });
    expect(await server.api.config(supervisor.uid, 'effective')).toContain('value: known');

    await server.api.createGroup('known', 'known');
    const again = await server.api.push('known', edge.config('known'), 'from the repository');
    expect(again.revision.hash).toBe(revision.hash);
    const known = await proven(server, supervisor, again.revision);
    expect(ledgerOf(known, again.revision)).toMatchObject({ sends: 0, sentAt: null });
    await until('the rollout ends', async () => (await server.api.rolloutState(again.rollout.id)) === 'succeeded');
    await sleep(2_000);
    expect({ offers: supervisor.offers(), collectors: supervisor.collectors() }).toEqual(before);
  });
});
