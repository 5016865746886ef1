/** What the API tells of rollouts while they go on, with real agents on real sockets. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applied, edge, failed, Lab, silent, story, until } from './lab.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.start();
  await lab.edge();
});
afterEach(() => lab[Symbol.asyncDispose]());

const SLOW = { stages: ['canary', '100%'], soak: { canary: '0s', stage: '0s' }, bake: '1h' } as const;

describe('a rollout that goes on', () => {
  it('tells of its stages, of who is on the way longest and why, and when it would end', async () => {
    const agents = [lab.agent(edge), lab.agent(edge), lab.agent({ ...edge, outcome: silent })];
    await Promise.all(agents.map((agent) => agent.connect()));
    await lab.members(3);
    const { id } = await lab.push(story(), { ...SLOW, stages: ['100%'], maxInFlight: 3 });
    const detail = await until(
      () => lab.client.getRollout({ id }),
      ({ counts }) => counts.proven === 2,
    );
    expect(detail).toMatchObject({ group: 'edge', children: [], stages: [{ name: '100%', planned: 3 }] });
    expect(detail.stages[0]?.counts).toMatchObject({ proven: 2, sent: 1, pending: 0 });
    expect(detail.stragglers).toMatchObject([
      { state: 'sent', reason: expect.stringMatching(/^sent, no answer yet; a verdict is due in 1m\d+s|2m/) },
    ]);
    // One more proof, and an hour of bake.
    const left = Date.parse(detail.eta ?? '') - Date.now();
    expect(left).toBeGreaterThan(3_500_000);
    expect(left).toBeLessThan(3_700_000);
  });

  it('tells of a soak and a gate, by whom it was decided, and what was decided alone when that is asked for', async () => {
    await Promise.all([1, 2].map(() => lab.agent(edge).connect()));
    await lab.members(2);
    const { id } = await lab.push(story(), SLOW);
    const gated = await lab.ends(id);
    // Nothing to go back to: the first look is a person's (A.7).
    expect(gated).toMatchObject({ state: 'paused', pause: { reason: 'gate' }, stage: 1, eta: null });
    const seen = [{ rollout: id, state: 'paused', stage: 1, reason: 'gate' }] as const;
    await lab.client.promoteRollout({ id, body: { author: 'ada', seen: [...seen] } });
    // Somebody else, who was asked at the gate too and confirms later, ends no soak by that.
    await expect(lab.client.promoteRollout({ id, body: { author: 'bob', seen: [...seen] } })).rejects.toMatchObject({
      ...{ code: 'conflict', status: 409 },
      detail: expect.stringMatching(/has moved on since it was looked at, it is (running|baking).* now: look again/),
    });
    await until(
      () => lab.client.getRollout({ id }),
      ({ state }) => state === 'baking',
    );
    const all = await lab.client.listRolloutEvents({ id });
    const decided = await lab.client.listRolloutEvents({ id, kind: 'decisions' });
    expect(decided.items.map(({ kind, author }) => `${kind} ${author}`)).toEqual([
      'started anonymous',
      'soaking flaghoist',
      'advanced flaghoist',
      'promoted ada',
      'soaking flaghoist',
      'advanced flaghoist',
    ]);
    expect(all.items.length).toBeGreaterThan(decided.items.length);
  });

  it('keeps telling what failed and why after it was taken back', async () => {
    const good = lab.agent(edge);
    await good.connect();
    await lab.members(1);
    await lab.ends((await lab.push(story())).id);
    good.outcome = (config) =>
      config.configHash.length > 0 && good.offers.length === 2 ? failed('no')(config) : applied(config);
    const { id } = await lab.push(story('otlp/secondary'));
    const ended = await until(
      () => lab.client.getRollout({ id }),
      ({ state }) => state === 'rolled-back',
    );
    expect(ended).toMatchObject({
      failures: [{ reason: 'agent-failed', message: 'no', count: 1 }],
      counts: { reverted: 1 },
    });
  });
});

describe('a push to several groups', () => {
  it('shares its places; who waits for them says who holds them', async () => {
    const strategy = { base: 'all-at-once', maxInFlight: 1 } as const;
    await lab.client.putGroup({ name: 'edge', body: { selector: 'role=edge', configuration: 'edge', strategy } });
    await lab.client.putGroup({ name: 'core', body: { selector: 'role=core', configuration: 'edge', strategy } });
    const core = { labels: { role: 'core' }, outcome: silent };
    const agents = [lab.agent({ ...edge, outcome: silent }), lab.agent(core)];
    await Promise.all(agents.map((agent) => agent.connect()));
    await lab.members(1);
    await lab.client.createRevision({ name: 'edge', body: { files: { '': { body: story() } }, message: 'm' } });
    const body = { fleet: true, configuration: 'edge', revision: 1, message: 'm' } as const;
    const { rollouts } = await lab.client.startRollout({ body });
    const { children } = await until(
      () => lab.client.getRollout({ id: rollouts[0]?.parent ?? '' }),
      ({ counts }) => counts.sent === 1,
    );
    const [holds, waits] = [...children].sort((a, b) => b.counts.sent - a.counts.sent);
    expect(waits?.stragglers).toMatchObject([
      { state: 'pending', reason: `waits for places: group ${holds?.group} of the same push holds them` },
    ]);
  });

  it('is one parent: their sums, the worst of their states, and each of them; asked by its id', async () => {
    await lab.client.putGroup({
      name: 'core',
      body: { selector: 'role=core', configuration: 'edge', strategy: 'all-at-once' },
    });
    await Promise.all([lab.agent(edge), lab.agent({ labels: { role: 'core' } })].map((agent) => agent.connect()));
    await lab.members(1);
    await lab.client.createRevision({ name: 'edge', body: { files: { '': { body: story() } }, message: 'm' } });
    const overrides = { bake: '1h' } as const;
    const body = { fleet: true, configuration: 'edge', revision: 1, message: 'm', overrides } as const;
    const { rollouts } = await lab.client.startRollout({ body });
    const parent = rollouts[0]?.parent ?? '';
    expect(rollouts.map((one) => one.parent)).toEqual([parent, parent]);
    const baking = await until(
      () => lab.client.getRollout({ id: parent }),
      ({ state }) => state === 'baking',
    );
    expect(baking).toMatchObject({ id: parent, group: null, strategy: null, planned: 2, counts: { proven: 2 } });
    expect(baking.children.map(({ group }) => group).sort()).toEqual(['core', 'edge']);
    expect(baking.eta).not.toBeNull();
    expect((await lab.client.listRolloutTargets({ id: parent })).items.map(({ state }) => state)).toEqual([
      'proven',
      'proven',
    ]);
    await lab.client.pauseRollout({ id: parent, body: { message: 'lunch', author: 'ada' } });
    expect(await lab.client.getRollout({ id: parent })).toMatchObject({
      state: 'paused',
      pause: { message: 'lunch' },
      eta: null,
    });
    await expect(lab.client.getRollout({ id: 'nobody' })).rejects.toMatchObject({ status: 404 });
  });
});
