/** What agents may do to a server that nobody expects of them. */
import { randomBytes } from 'node:crypto';
import {
  decodeServerToAgent,
  encodeAgentToServer,
  newUuidV7,
  RemoteConfigStatuses,
  uidFromBytes,
} from '@flaghoist/opamp';
import { MemoryAgent } from '@flaghoist/opamp/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectWebSocket } from '../../opamp/test/client.ts';
import { applied, applying, edge, failed, Lab, offered, silent, story, until } from './lab.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.start();
  await lab.edge();
});
afterEach(() => lab[Symbol.asyncDispose]());

describe('slots', () => {
  it('of agents that a superseding rollout carries over come free when those do not come back (I16)', async () => {
    const lost = await lab.agent({ ...edge, outcome: silent }).connect();
    await lab.members(1);
    const first = await lab.push(story(), { maxInFlight: 1, applyTimeout: '1s' });
    await offered(lost);
    lost.drop();
    const well = await lab.agent(edge).connect();
    await lab.members(2);
    const second = await lab.push(story('otlp/secondary'), { maxInFlight: 1, maxFailed: 1 }, true);
    expect(await lab.ends(second.id)).toMatchObject({ state: 'succeeded', counts: { proven: 1 } });
    expect(well.hashes).toEqual([second.hash]);
    expect(await lab.client.getRollout({ id: first.id })).toMatchObject({ state: 'superseded' });
  });

  it('do not come free for those that leave the group with the revision unproven (I1, I2, I4)', async () => {
    const agents = await Promise.all([1, 2, 3, 4].map(() => lab.agent({ ...edge, outcome: applying }).connect()));
    await lab.members(4);
    const { id } = await lab.push(story(), { maxInFlight: 1, maxLost: 0 });
    const holder = await until(
      () => agents.find(({ offers }) => offers.length > 0),
      (agent) => agent !== undefined,
    );
    await lab.client.labelAgent({ id: holder?.uid ?? '', body: { labels: { role: 'elsewhere' } } });
    expect(await lab.ends(id)).toMatchObject({ pause: { reason: 'lost' }, counts: { failed: 1 } });
    expect(agents.filter(({ offers }) => offers.length > 0)).toHaveLength(1);
  });

  it('of admitted agents that lose the capability come free (A.4)', async () => {
    const polls = lab.agent(edge);
    await polls.pollOverHttp(polls.start());
    await lab.members(1);
    const other = await lab.agent(edge).connect();
    await lab.members(2);
    const { id } = await lab.push(story(), { maxInFlight: 2 });
    await offered(other);
    polls.capabilities &= ~0x2;
    await polls.pollOverHttp();
    expect(await lab.ends(id)).toMatchObject({ state: 'succeeded', counts: { proven: 1, skipped: 1 } });
    expect(polls.offers).toEqual([]);
  });
});

describe('proof', () => {
  it('is not given by a clone, and what it proved is taken back (A.7)', async () => {
    const original = await lab.agent({ ...edge, outcome: silent }).connect();
    await lab.members(1);
    const { hash } = await lab.push(story());
    await offered(original);
    const clone = await lab.agent({ ...edge, uid: original.uid }).connect();
    const status = {
      lastRemoteConfigHash: Buffer.from(hash, 'hex'),
      status: RemoteConfigStatuses.RemoteConfigStatuses_APPLIED,
    };
    clone.send(clone.change({ remoteConfigStatus: status, health: { healthy: true } }));
    await until(
      () => clone.received.length,
      (count) => count > 1,
    );
    original.send(original.report());
    const detail = await until(
      () => lab.detail(original.uid),
      ({ state }) => state !== 'in-sync' && state !== 'updating',
    );
    expect(detail).toMatchObject({ state: 'failed', ledger: [{ reason: 'identity-conflict' }] });
    const asked = await until(
      () => lab.detail(original.uid),
      ({ reported }) => reported !== null,
    );
    expect(asked.reported).toMatchObject({ status: 'UNSET', hash: '' });
  });

  it('is asked of somebody: a group in which nobody can prove anything makes nothing stable (I11)', async () => {
    await lab.agent({ ...edge, capabilities: 0x1 }).connect();
    await lab.members(1);
    const { id } = await lab.push(story());
    expect(await lab.ends(id)).toMatchObject({ state: 'paused', pause: { reason: 'nothing-proven' } });
    expect((await lab.client.getGroup({ name: 'edge' })).stable).toBeNull();
  });
});

describe('an agent that is deleted while connected', () => {
  it('leaves no ghost when its connection ends, and ends a rollout that waits for it alone', async () => {
    const agent = await lab.agent({ ...edge, outcome: silent }).connect();
    await lab.members(1);
    const { id } = await lab.push(story());
    await offered(agent);
    await lab.client.deleteAgent({ id: agent.uid });
    agent.drop();
    expect(await lab.ends(id)).toMatchObject({ state: 'paused' });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect((await lab.client.listAgents({})).total).toBe(0);
  });
});

describe('large things', () => {
  it('many agents on one connection all get a 200 KiB configuration (R8)', async () => {
    const agents = Array.from(
      { length: 60 },
      () => new MemoryAgent({ uid: newUuidV7(Date.now(), randomBytes(10)), outcome: applied }),
    );
    const byUid = new Map(agents.map((agent) => [agent.uid as string, agent]));
    const socket = await connectWebSocket(`ws://${lab.server.addresses.opamp}/v1/opamp`, {
      message: (payload) => {
        const message = decodeServerToAgent(payload);
        for (const answer of byUid.get(uidFromBytes(message.instanceUid))?.receive(message) ?? [])
          socket.send(encodeAgentToServer(answer));
      },
    });
    for (const agent of agents) socket.send(encodeAgentToServer(agent.start()));
    await until(
      () => lab.client.listAgents({}),
      ({ total }) => total === agents.length,
    );
    await lab.client.putGroup({
      name: 'edge',
      body: { selector: 'service.name=otelcol', configuration: 'edge' },
    });
    const { id } = await lab.push(`# ${'x'.repeat(200 * 1024)}\n${story()}`, { maxInFlight: 60 });
    expect(
      await until(
        () => lab.client.getRollout({ id }),
        ({ state }) => state !== 'running',
        15_000,
      ),
    ).toMatchObject({ state: 'succeeded', counts: { proven: 60 } });
    socket.terminate();
  });

  it('an agent that says 4 MiB at a time costs one row of bounded size (R13, X26)', async () => {
    const agent = await lab
      .agent({ ...edge, state: { health: { healthy: false, lastError: 'h'.repeat(1_000_000) } } })
      .connect();
    await lab.members(1);
    for (let index = 0; index < 24; index += 1) {
      const text = '\u0001'.repeat(3_000_000);
      const [change] = failed(text)({ configHash: randomBytes(32) } as never);
      if (change !== undefined) agent.send(agent.change(change));
    }
    await until(
      () => agent.received.length,
      (count) => count >= 25,
      15_000,
    );
    const detail = await lab.detail(agent.uid);
    expect(detail.reported?.errorMessage.length).toBeLessThanOrEqual(16 * 1024);
    expect(detail.health?.lastError).toMatch(/\(cut\)$/);
    await lab.restart();
    expect((await lab.detail(agent.uid)).id).toBe(detail.id);
  });
});
