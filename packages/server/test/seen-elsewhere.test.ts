/** Mistakes seen on running servers of others: none of them can happen here. */
import { RemoteConfigStatuses } from '@flaghoist/opamp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startServer } from '../src/index.ts';
import { applied, edge, failed, Lab, story, until } from './lab.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.start();
  await lab.edge();
});
afterEach(() => lab[Symbol.asyncDispose]());

describe('not here:', () => {
  it('first contact answered with an empty config, which stops the collector', async () => {
    const ungrouped = await lab.agent().connect();
    const grouped = await lab.agent(edge).connect();
    await until(() => [ungrouped, grouped].every(({ received }) => received.length > 0), Boolean);
    expect(
      [...ungrouped.received, ...grouped.received].filter(({ remoteConfig }) => remoteConfig !== undefined),
    ).toEqual([]);
  });

  it('FAILED shown as applied', async () => {
    const agent = await lab.agent({ ...edge, outcome: failed('cannot start pipelines: port in use') }).connect();
    await lab.members(1);
    const { id, hash } = await lab.push(story());
    expect(await lab.ends(id)).toMatchObject({ counts: { proven: 0, failed: 1 } });
    const [row] = (await lab.client.listAgents({ group: 'edge' })).items;
    expect(row).toMatchObject({
      id: expect.any(String),
      sync: 'failed',
      state: 'failed',
      reported: { hash, status: 'FAILED' },
    });
    expect((await lab.client.getFleet({})).states).toEqual({ failed: 1 });
    expect(await lab.client.listRolloutTargets({ id, state: 'proven' })).toMatchObject({ items: [] });
    expect(agent.offers).toHaveLength(1);
  });

  it('a refused config offered again in a loop', async () => {
    const agent = await lab.agent({ ...edge, outcome: failed('no') }).connect();
    await lab.members(1);
    const { id } = await lab.push(story());
    await lab.ends(id);
    const refusal = agent.state.remoteConfigStatus;
    for (let again = 0; again < 50; again += 1) agent.send(agent.report({ remoteConfigStatus: refusal }));
    await until(
      () => agent.received.length,
      (count) => count >= 52,
    );
    expect(agent.offers).toHaveLength(1);
  });

  it('a push lost for agents that were offline, or that come back under the group’s name', async () => {
    const anchor = await lab.agent(edge).connect();
    const offline = await lab.agent(edge).connect();
    const renamed = await lab.agent({ labels: { role: 'other' } }).connect();
    await lab.members(2);
    offline.drop();
    await until(
      () => lab.detail(offline.uid),
      ({ connected }) => !connected,
    );
    const { id, hash } = await lab.push(story());
    await lab.ends(id);
    await offline.reconnect();
    renamed.send(renamed.change(lab.agent(edge).state));
    for (const agent of [anchor, offline, renamed]) {
      await until(
        () => lab.detail(agent.uid),
        ({ state, group }) => state === 'in-sync' && group === 'edge',
      );
      expect(agent.hashes).toEqual([hash]);
    }
  });

  it('a push accepted with 201 that stops half-way when others write at the same time', async () => {
    const agents = await Promise.all(Array.from({ length: 20 }, () => lab.agent(edge).connect()));
    await lab.members(20);
    const { hash, number } = await lab.client.createRevision({
      name: 'edge',
      body: { files: { '': { body: story() } }, message: 'm' },
    });
    const body = { group: 'edge', configuration: 'edge', revision: number, message: 'm' } as const;
    const labels = agents.map(({ uid }) => lab.client.labelAgent({ id: uid, body: { labels: { touched: 'yes' } } }));
    const answers = await Promise.allSettled([
      lab.client.startRollout({ body }),
      lab.client.startRollout({ body }),
      ...labels,
    ]);
    const [first, second] = answers;
    expect([first?.status, second?.status].sort()).toEqual(['fulfilled', 'rejected']);
    const refused = [first, second].find((answer) => answer?.status === 'rejected');
    expect(refused).toMatchObject({ reason: { code: 'rollout-active', status: 409 } });
    const { items } = await lab.client.listRollouts({ group: 'edge' });
    expect(items).toHaveLength(1);
    expect(await lab.ends(items[0]?.id ?? '')).toMatchObject({ state: 'succeeded', counts: { proven: 20 } });
    for (const agent of agents) expect(agent.hashes).toEqual([hash]);
  });

  it('the whole config in every answer to a heartbeat', async () => {
    const agent = await lab.agent(edge).connect();
    await lab.members(1);
    const { id } = await lab.push(story());
    await lab.ends(id);
    const before = agent.received.length;
    for (let beat = 0; beat < 20; beat += 1) agent.send(agent.report());
    await until(
      () => agent.received.length,
      (count) => count === before + 20,
    );
    for (const { remoteConfig, flags, instanceUid } of agent.received.slice(before)) {
      expect(remoteConfig).toBeUndefined();
      expect(flags).toBe(0n);
      expect(Buffer.from(instanceUid).toString('hex')).toBe(agent.uid);
    }
  });

  it('heartbeats that write', async () => {
    const agent = await lab.agent(edge).connect();
    await lab.members(1);
    const { lastEvent } = await lab.client.getFleet({});
    const before = await lab.detail(agent.uid);
    for (let beat = 0; beat < 200; beat += 1) agent.send(agent.report());
    await until(
      () => agent.received.length,
      (count) => count > 200,
    );
    expect((await lab.client.getFleet({})).lastEvent).toBe(lastEvent);
    const { lastSeen: _before, ...rest } = before;
    expect(await lab.detail(agent.uid)).toMatchObject(rest);
  });

  it('state lost on restart', async () => {
    const agent = await lab.agent({ ...edge, outcome: applied }).connect();
    await lab.members(1);
    const { id, hash } = await lab.push(story());
    await lab.ends(id);
    await lab.client.labelAgent({ id: agent.uid, body: { labels: { site: 'north' } } });
    await lab.restart();
    expect(await lab.detail(agent.uid)).toMatchObject({
      state: 'offline',
      labels: { site: 'north', role: 'edge' },
      reported: { hash, status: 'APPLIED' },
      ledger: [{ phase: 'proven' }],
    });
    expect(await lab.client.getRollout({ id })).toMatchObject({ state: 'succeeded' });
    expect(agent.state.remoteConfigStatus?.status).toBe(RemoteConfigStatuses.RemoteConfigStatuses_APPLIED);
  });

  it('an agent port, or an API, open to everybody without being asked to', async () => {
    const loopback = { host: '127.0.0.1', port: 0 };
    const everywhere = { host: '0.0.0.0', port: 0 };
    const base = { data: lab.directory, version: '0', onFatal: () => {} };
    await expect(startServer({ ...base, opamp: everywhere, api: loopback, ops: loopback })).rejects.toThrow(
      /--insecure-open-enrolment/,
    );
    await expect(startServer({ ...base, opamp: loopback, api: everywhere, ops: loopback })).rejects.toThrow(
      /loopback only/,
    );
  });
});
