/** Plans, pre-flight gates and strategies over the API, with real agents on real sockets. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applied, edge, failed, Lab, story, until } from './lab.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.start();
  await lab.edge();
});
afterEach(() => lab[Symbol.asyncDispose]());

const save = async (body: string): Promise<number> =>
  (await lab.client.createRevision({ name: 'edge', body: { files: { '': { body } }, message: 'm' } })).number;
const way = (revision: number) => ({ group: 'edge', configuration: 'edge', revision }) as const;

describe('a plan', () => {
  it('shows stages, canary, strata, who is left out, bounds and the least time, and starts nothing', async () => {
    const agents = await Promise.all([1, 2, 3].map(() => lab.agent(edge).connect()));
    await lab.members(3);
    const revision = await save(story());
    const { id } = await lab.detail(agents[0]?.uid as never);
    await lab.client.pinAgent({ id, body: { configuration: 'edge', revision, reason: 'try' } });
    const { plans } = await lab.client.planRollout({ body: { ...way(revision), strategy: 'careful' } });
    expect(plans).toMatchObject([
      {
        group: 'edge',
        from: null,
        planned: 2,
        stages: [
          { name: 'canary', planned: 1, soak: '10m', gate: true },
          { name: '100%', planned: 1, soak: '5m', gate: false },
        ],
        least: '47m',
        strata: [{ agents: 2, canary: 1 }],
        skipped: [{ reason: 'pinned', count: 1, examples: [{ agent: id }] }],
        maxInFlight: 1,
        findings: [],
      },
    ]);
    expect(plans[0]?.canary).toHaveLength(1);
    expect((await lab.client.listRollouts({})).total).toBe(0);
  });

  it('is the very plan that runs, and nothing runs when it would be another one', async () => {
    await Promise.all([1, 2, 3].map(() => lab.agent(edge).connect()));
    await lab.members(3);
    const revision = await save(story());
    const course = { ...way(revision), strategy: 'careful' };
    const [plan] = (await lab.client.planRollout({ body: course })).plans;
    const shown = [{ group: 'edge', seed: plan?.seed ?? '', digest: plan?.digest ?? '' }];
    await lab.agent(edge).connect();
    await lab.members(4);
    const body = { ...course, message: 'm', plan: shown };
    await expect(lab.client.startRollout({ body })).rejects.toMatchObject({ status: 409, code: 'plan-changed' });
    const [anew] = (await lab.client.planRollout({ body: course })).plans;
    const again = [{ group: 'edge', seed: anew?.seed ?? '', digest: anew?.digest ?? '' }];
    const { rollouts } = await lab.client.startRollout({ body: { ...body, plan: again } });
    expect(rollouts[0]?.digest).toBe(anew?.digest);
    const first = await until(
      () => lab.client.listRolloutTargets({ id: rollouts[0]?.id ?? '' }),
      ({ items }) => items.some(({ state }) => state !== 'pending'),
    );
    const admitted = first.items.filter(({ state }) => state !== 'pending').map(({ agent }) => agent);
    expect(admitted).toEqual(anew?.canary.map(({ agent }) => agent));
  });

  it('of a push to the fleet has one for each group', async () => {
    await lab.client.putGroup({
      name: 'core',
      body: { selector: 'role=core', configuration: 'edge', strategy: 'quick' },
    });
    const revision = await save(story());
    const { plans } = await lab.client.planRollout({ body: { fleet: true, configuration: 'edge', revision } });
    expect(plans.map(({ group, strategy }) => [group, strategy.name])).toEqual([
      ['core', 'quick'],
      ['edge', 'all-at-once'],
    ]);
    const plan = plans.map(({ group, seed, digest }) => ({ group, seed, digest }));
    const body = { fleet: true, configuration: 'edge', revision, message: 'm' } as const;
    await expect(lab.client.startRollout({ body: { ...body, plan: plan.slice(1) } })).rejects.toMatchObject({
      code: 'plan-changed',
    });
    expect((await lab.client.startRollout({ body: { ...body, plan } })).rollouts).toHaveLength(2);
  });
});

describe('gates before a start', () => {
  it('G6: a text of another shape needs a confirmation, and nothing is started without', async () => {
    await lab.agent(edge).connect();
    await lab.members(1);
    await lab.ends((await lab.push(story())).id);
    const many = Array.from({ length: 9 }, (_, at) => `otlp/${at}: {}`).join(', ');
    const revision = await save(
      story().replace('exporters:\n', `processors: { ${many.replaceAll('otlp', 'batch')} }\nexporters:\n`),
    );
    const body = { ...way(revision), message: 'm' };
    await expect(lab.client.startRollout({ body })).rejects.toMatchObject({
      code: 'needs-confirmation',
      problems: [{ path: 'edge', rule: 'G6' }],
    });
    expect((await lab.client.planRollout({ body: way(revision) })).plans[0]?.findings).toMatchObject([{ gate: 'G6' }]);
    expect((await lab.client.startRollout({ body: { ...body, confirm: ['G6'] } })).rollouts).toHaveLength(1);
  });

  it('G9: what was taken back is not sent to the group again, and it says who took it back (I9)', async () => {
    const agent = lab.agent(edge);
    await agent.connect();
    await lab.members(1);
    await lab.ends((await lab.push(story())).id);
    agent.outcome = (config) => (agent.offers.length === 2 ? failed('no')(config) : applied(config));
    const bad = await lab.push(story('otlp/secondary'));
    await until(
      () => lab.client.getRollout({ id: bad.id }),
      ({ state }) => state === 'rolled-back',
    );
    await expect(lab.client.startRollout({ body: { ...way(bad.number), message: 'm' } })).rejects.toMatchObject({
      status: 422,
      code: 'preflight-failed',
      detail: expect.stringContaining(bad.id),
    });
  });
});

describe('strategies', () => {
  const put = (name: string, body: object) => lab.client.putStrategy({ name, body: body as never });

  it('own ones are saved, used, frozen at the start, and survive a restart', async () => {
    const saved = await put('night', { base: 'careful', maxInFlight: 7, soak: { canary: '1h' } });
    expect(saved).toMatchObject({ builtIn: false, spec: { base: 'careful', maxInFlight: 7, soak: { canary: '1h' } } });
    const strategy = { base: 'night', bake: '90m', gates: [{ after: '5%', type: 'manual' }] } as const;
    await lab.client.putGroup({ name: 'edge', body: { selector: 'role=edge', configuration: 'edge', strategy } });
    const revision = await save(story());
    await lab.agent(edge).connect();
    await lab.members(1);
    const { rollouts } = await lab.client.startRollout({ body: { ...way(revision), message: 'm' } });
    const frozen = { name: 'night', maxInFlight: 7, bake: '1h30m', soak: { canary: '1h', stage: '5m' } };
    expect(rollouts[0]?.strategy).toMatchObject(frozen);
    await expect(put('night', { base: 'quick' })).rejects.toMatchObject({ detail: expect.stringContaining('5%') });
    await put('night', { base: 'careful', bake: '1m' });
    await lab.restart();
    expect((await lab.client.getRollout({ id: rollouts[0]?.id ?? '' })).strategy).toMatchObject(frozen);
    expect(await lab.client.getGroup({ name: 'edge' })).toMatchObject({ strategy: { base: 'night', bake: '1h30m' } });
    expect((await lab.client.listStrategies({})).items.map(({ name }) => name)).toEqual([
      'all-at-once',
      'careful',
      'quick',
      'night',
    ]);
  });

  it('built-in ones cannot be changed, used ones not deleted; wrong fields are named', async () => {
    await expect(put('careful', { bake: '1m' })).rejects.toMatchObject({
      code: 'conflict',
      detail: expect.stringContaining('built in'),
    });
    await expect(lab.client.deleteStrategy({ name: 'quick' })).rejects.toMatchObject({ code: 'conflict' });
    await put('night', { base: 'careful' });
    await lab.client.putGroup({ name: 'edge', body: { selector: '', configuration: 'edge', strategy: 'night' } });
    await expect(lab.client.deleteStrategy({ name: 'night' })).rejects.toMatchObject({
      detail: expect.stringContaining('group edge'),
    });
    await expect(put('odd', { base: 'night' })).rejects.toMatchObject({ code: 'invalid-strategy' });
    await expect(put('odd', { soaks: {} })).rejects.toMatchObject({
      code: 'invalid',
      detail: expect.stringContaining('soaks'),
    });
    await expect(put('odd', { canary: { size: 'some' } })).rejects.toMatchObject({
      problems: [{ path: 'body.canary.size' }],
    });
    await expect(put('odd', { stages: ['5%', 'canary', '100%'] })).rejects.toMatchObject({
      detail: expect.stringContaining('canary'),
    });
    await expect(
      lab.client.putGroup({ name: 'edge', body: { selector: '', configuration: 'edge', strategy: 'nigth' } }),
    ).rejects.toMatchObject({ code: 'invalid-strategy', detail: expect.stringContaining('night') });
    await lab.client.putGroup({ name: 'edge', body: { selector: '', configuration: 'edge', strategy: 'quick' } });
    await lab.client.deleteStrategy({ name: 'night' });
    await expect(lab.client.getStrategy({ name: 'night' })).rejects.toMatchObject({ status: 404 });
  });
});
