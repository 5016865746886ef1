import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applied, applying, edge, failed, Lab, type LabAgent, silent, story, until } from './lab.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.start();
  await lab.edge();
});
afterEach(() => lab[Symbol.asyncDispose]());

/** Heartbeats, each with its answer (S-047). */
async function beats(agent: LabAgent, count: number): Promise<void> {
  const before = agent.received.length;
  for (let beat = 0; beat < count; beat += 1) agent.send(agent.report());
  await until(
    () => agent.received.length,
    (answers) => answers >= before + count,
  );
}

describe('a push to a group', () => {
  it('reaches every agent, and each one proves that it runs it', async () => {
    const agents = await Promise.all([1, 2, 3, 4, 5].map(() => lab.agent(edge).connect()));
    await lab.members(5);
    const { id, hash } = await lab.push(story());
    const rollout = await lab.ends(id);
    expect(rollout).toMatchObject({ state: 'succeeded', counts: { proven: 5, failed: 0 } });
    for (const agent of agents) {
      expect(agent.hashes).toEqual([hash]);
      const detail = await lab.detail(agent.uid);
      expect(detail).toMatchObject({
        state: 'in-sync',
        reported: { hash, status: 'APPLIED' },
        desired: { hash },
      });
      const [entry] = detail.ledger;
      expect(entry).toMatchObject({ phase: 'proven', sends: 1, effective: { verdict: 'confirmed' } });
      for (const at of [
        entry?.offeredAt,
        entry?.sentAt,
        entry?.receivedAt,
        entry?.applyingAt,
        entry?.appliedAt,
        entry?.provenAt,
        entry?.healthySince,
      ]) {
        expect(Date.parse(at ?? '')).toBeGreaterThan(Date.now() - 60_000);
      }
    }
    expect(await lab.client.getGroup({ name: 'edge' })).toMatchObject({ stable: { hash } });
  });

  it('never sends a config map without entries, nor anything to an agent of no group (I8)', async () => {
    const stranger = await lab.agent().connect();
    const member = await lab.agent(edge).connect();
    const { id } = await lab.push(story());
    await lab.ends(id);
    expect(stranger.offers).toEqual([]);
    expect((await lab.detail(stranger.uid)).state).toBe('unmanaged');
    for (const offer of member.offers) expect(Object.keys(offer.config?.configMap ?? {})).toEqual(['']);
  });

  it('keeps a refusal: FAILED is shown verbatim, the hash is not offered again, and a good revision heals (I5)', async () => {
    const agent = lab.agent({
      ...edge,
      outcome: failed('error decoding \'exporters\': unknown type: "otlpp"'),
    });
    await agent.connect();
    await lab.members(1);
    const bad = await lab.push(story('otlpp/x'));
    const paused = await lab.ends(bad.id);
    expect(paused).toMatchObject({
      state: 'paused',
      counts: { failed: 1, proven: 0 },
      pause: { reason: 'no-rollback-target' },
    });
    expect(paused.failures).toMatchObject([
      { reason: 'agent-failed', message: 'error decoding \'exporters\': unknown type: "otlpp"', count: 1 },
    ]);
    const refused = await lab.detail(agent.uid);
    expect(refused).toMatchObject({
      state: 'failed',
      reason: 'error decoding \'exporters\': unknown type: "otlpp"',
      refused: [{ hash: bad.hash }],
    });
    await beats(agent, 10);
    agent.drop();
    await agent.reconnect();
    agent.send(agent.fullState());
    await beats(agent, 1);
    expect(agent.hashes).toEqual([bad.hash]);
    agent.outcome = applied;
    const good = await lab.push(story('otlp/secondary'), {}, true);
    expect((await lab.ends(good.id)).state).toBe('succeeded');
    expect(agent.hashes).toEqual([bad.hash, good.hash]);
    expect((await lab.detail(agent.uid)).state).toBe('in-sync');
  });

  it('offers a refused hash again only on retry', async () => {
    const agent = await lab.agent({ ...edge, outcome: failed('port taken') }).connect();
    await lab.members(1);
    const { id, hash } = await lab.push(story());
    await lab.ends(id);
    agent.outcome = applied;
    await lab.client.retryAgent({ id: agent.uid });
    await until(
      () => lab.detail(agent.uid),
      ({ state }) => state === 'in-sync',
    );
    expect(agent.hashes).toEqual([hash, hash]);
  });

  it('does not retry an agent that is still applying', async () => {
    const agent = await lab.agent({ ...edge, outcome: applying }).connect();
    await lab.members(1);
    const { id } = await lab.push(story(), { applyTimeout: '1s' });
    await lab.ends(id);
    await expect(lab.client.retryAgent({ id: agent.uid })).rejects.toMatchObject({ code: 'conflict' });
    expect(agent.offers).toHaveLength(1);
  });

  it('admits at most maxInFlight at a time, and pauses when more than maxFailed failed (I1, I4)', async () => {
    const agents = await Promise.all(
      Array.from({ length: 8 }, () => lab.agent({ ...edge, outcome: applying }).connect()),
    );
    await lab.members(8);
    const { id } = await lab.push(story(), { maxInFlight: 3, maxFailed: 1 });
    const reached = () => agents.filter(({ offers }) => offers.length > 0);
    await until(
      () => reached().length,
      (count) => count === 3,
    );
    expect(await lab.client.getRollout({ id })).toMatchObject({ inFlight: 3, state: 'running' });
    for (const agent of reached())
      for (const change of failed('no')(agent.offers[0] as never)) agent.send(agent.change(change));
    const paused = await lab.ends(id);
    expect(paused).toMatchObject({ state: 'paused', pause: { reason: 'no-rollback-target' } });
    expect(reached().length).toBeLessThanOrEqual(4);
  });

  it('gives offline agents the revision when they return, and new agents the stable one', async () => {
    const here = await lab.agent(edge).connect();
    const away = await lab.agent(edge).connect();
    await lab.members(2);
    away.drop();
    await until(
      () => lab.detail(away.uid),
      ({ connected }) => !connected,
    );
    const { id, hash } = await lab.push(story());
    const done = await lab.ends(id);
    expect(done).toMatchObject({ state: 'succeeded', counts: { proven: 1, deferred: 1 } });
    expect(here.hashes).toEqual([hash]);
    await away.reconnect();
    await until(
      () => lab.detail(away.uid),
      ({ state }) => state === 'in-sync',
    );
    const newcomer = await lab.agent(edge).connect();
    await until(
      () => lab.detail(newcomer.uid),
      ({ state }) => state === 'in-sync',
    );
    expect([away.hashes, newcomer.hashes]).toEqual([[hash], [hash]]);
  });

  it('finds a liar: APPLIED, while the effective config lacks what was offered (S5)', async () => {
    const liar = lab.agent(edge);
    await liar.connect();
    await lab.members(1);
    const first = await lab.push(story());
    await lab.ends(first.id);
    liar.outcome = (config) => applied(config).map(({ remoteConfigStatus }) => ({ remoteConfigStatus }));
    const second = await lab.push(story('otlp/secondary'), { onFailure: 'pause' });
    const ended = await until(
      () => lab.client.getRollout({ id: second.id }),
      ({ state }) => state !== 'running',
      20_000,
    );
    expect(ended).toMatchObject({ state: 'paused', failures: [{ reason: 'effective-mismatch' }] });
    expect(await lab.detail(liar.uid)).toMatchObject({
      state: 'drifted',
      reported: { status: 'APPLIED', hash: second.hash },
    });
  });

  it('sends one offer per change to an agent that reports no config status (S-124)', async () => {
    const mute = lab.agent({ ...edge, capabilities: 0x2807 });
    await mute.connect();
    await lab.members(1);
    const { id } = await lab.push(story());
    await lab.ends(id);
    await beats(mute, 10);
    mute.drop();
    await mute.reconnect();
    await beats(mute, 1);
    expect(mute.offers).toHaveLength(1);
    expect((await lab.detail(mute.uid)).ledger[0]).toMatchObject({ phase: 'proven' });
  });

  it('believes such an agent when it shows the revision on being asked, and sends nothing twice when its group changes', async () => {
    const quiet = ({ config }: { config?: unknown }) =>
      config === undefined ? [] : ([{ effectiveConfig: { configMap: config } }] as never);
    const mute = await lab.agent({ ...edge, capabilities: 0x2807, outcome: quiet as never }).connect();
    await lab.members(1);
    const first = await lab.push(story());
    await lab.ends(first.id);
    // The structure stays the same, so nothing new comes unasked.
    mute.outcome = () => [];
    const second = await lab.push(`# a comment\n${story()}`);
    expect(await lab.ends(second.id)).toMatchObject({ state: 'succeeded' });
    await lab.client.putGroup({
      name: 'north',
      body: { selector: 'site=north', priority: 200, configuration: 'edge' },
    });
    await lab.client.startRollout({
      body: { group: 'north', configuration: 'edge', revision: second.number, message: 'same' },
    });
    await lab.client.labelAgent({ id: mute.uid, body: { labels: { site: 'north' } } });
    await until(
      () => lab.detail(mute.uid),
      ({ state, group }) => state === 'in-sync' && group === 'north',
    );
    expect(mute.hashes).toEqual([first.hash, second.hash]);
  });

  it('does not call an agent drifted for an effective config that it does not report', async () => {
    const agent = await lab.agent({ ...edge, capabilities: 0x3803 }).connect();
    await lab.members(1);
    agent.send(
      agent.report({
        effectiveConfig: { configMap: { configMap: { '': { body: Buffer.from('receivers: {}') } } } },
      }),
    );
    const { id } = await lab.push(story());
    expect(await lab.ends(id)).toMatchObject({ state: 'succeeded' });
    expect((await lab.detail(agent.uid)).state).toBe('in-sync');
  });

  it('does not wait for ever for one that is silent, and does not send to it again (S-058, S-126)', async () => {
    const mute = await lab.agent({ ...edge, outcome: silent }).connect();
    await lab.members(1);
    const { id } = await lab.push(story(), { applyTimeout: '1s' });
    const ended = await lab.ends(id);
    expect(ended).toMatchObject({ state: 'paused', failures: [{ reason: 'apply-timeout' }] });
    expect(mute.offers).toHaveLength(1);
  });
});

describe('over plain HTTP', () => {
  it('the answer to a poll carries the offer, and the proof comes by polls (S-034, S-036)', async () => {
    const agent = lab.agent(edge);
    await agent.pollOverHttp(agent.start());
    await lab.members(1);
    const { id, hash } = await lab.push(story());
    await agent.pollOverHttp();
    expect(agent.hashes).toEqual([hash]);
    await lab.ends(id);
    expect(await lab.detail(agent.uid)).toMatchObject({ state: 'in-sync', transport: 'http' });
    await agent.pollOverHttp();
    expect(agent.offers).toHaveLength(1);
  });

  it('so does the first one after our restart: what groups run is encoded ahead', async () => {
    await lab.agent(edge).connect();
    await lab.members(1);
    const { id, hash } = await lab.push(story());
    await lab.ends(id);
    await lab.restart();
    const agent = lab.agent(edge);
    await agent.pollOverHttp(agent.start());
    expect(agent.hashes).toEqual([hash]);
  });
});

describe('a pin', () => {
  it('wins over the group until it is removed', async () => {
    const agent = await lab.agent(edge).connect();
    await lab.members(1);
    const first = await lab.push(story());
    await lab.ends(first.id);
    const { hash, number } = await lab.client.createRevision({
      name: 'edge',
      body: { files: { '': { body: story('otlp/pinned') } }, message: 'try' },
    });
    await lab.client.pinAgent({
      id: agent.uid,
      body: { configuration: 'edge', revision: number, reason: 'try it here' },
    });
    await until(
      () => lab.detail(agent.uid),
      ({ state, desired }) => state === 'in-sync' && desired?.hash === hash,
    );
    await lab.client.unpinAgent({ id: agent.uid });
    await until(
      () => lab.detail(agent.uid),
      ({ state, desired }) => state === 'in-sync' && desired?.hash === first.hash,
    );
    expect(agent.hashes).toEqual([first.hash, hash, first.hash]);
  });
});
