/** Acts on many agents, and edits that would move them: never more at a time than may be in flight (I7). */
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { edge, Lab, type LabAgent, silent, story, until } from './lab.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.start();
  await lab.edge();
});
afterEach(() => lab[Symbol.asyncDispose]());

const connected = (count: number, options: object = edge): Promise<LabAgent[]> =>
  Promise.all(Array.from({ length: count }, () => lab.agent(options).connect()));
const author = 'ada';

test('one by one they are no way around: as many acts at a time as may be in flight, beside a rollout', async () => {
  const agents = await connected(3, { ...edge, outcome: silent });
  await lab.members(3);
  await lab.push(story(), { maxInFlight: 1 });
  const [one, other] = agents as [LabAgent, LabAgent];
  const pin = { configuration: 'edge', revision: 1, reason: 'try', author } as const;
  await lab.client.pinAgent({ id: one.uid, body: pin });
  await expect(lab.client.pinAgent({ id: other.uid, body: pin })).rejects.toMatchObject({ code: 'no-place' });
  await expect(lab.client.restartAgent({ id: other.uid, author })).rejects.toMatchObject({ code: 'no-place' });
});

test('a group keeps whom its rollout has in its hands', async () => {
  await connected(2);
  await lab.members(2);
  const { id } = await lab.push(story(), { soak: { stage: '1m' } });
  const away = { selector: 'role=nobody', configuration: 'edge' };
  await expect(lab.client.putGroup({ name: 'edge', body: away })).rejects.toMatchObject({
    code: 'rollout-active',
    detail: expect.stringContaining(`2 agents would leave group edge in the middle of rollout ${id}`),
  });
});

describe('acts on many', () => {
  it('is refused when the selector selects others than were seen', async () => {
    await connected(3);
    await lab.members(3);
    await expect(
      lab.client.restartAgents({ body: { selector: 'role=edge', expected: 2, author } }),
    ).rejects.toMatchObject({
      status: 409,
      code: 'conflict',
      detail: 'nothing was done: role=edge selects 3 agents, and 2 were expected: look again',
    });
    await expect(lab.client.restartAgents({ body: { author } })).rejects.toMatchObject({ code: 'invalid' });
  });

  it('pins as many as may be in flight; the others get their places as these are proven, or none', async () => {
    const agents = await connected(4);
    await lab.members(4);
    await lab.client.createRevision({ name: 'edge', body: { files: { '': { body: story() } }, message: 'm' } });
    const pin = { configuration: 'edge', revision: 1, reason: 'try', author } as const;
    // Of four agents all-at-once has one in flight.
    const first = await lab.client.pinAgents({ body: { ...pin, selector: 'role=edge', expected: 4 } });
    expect([first.done.length, first.waiting.length]).toEqual([1, 3]);
    let { waiting } = first;
    while (waiting.length > 0) {
      const body = { ...pin, agents: waiting };
      const next = await until(
        () => lab.client.pinAgents({ body }).catch((error: { code: string }) => error),
        (answer) => 'done' in answer,
      );
      if ('done' in next) ({ waiting } = next);
    }
    await until(
      () => Promise.all(agents.map(({ uid }) => lab.detail(uid))),
      (details) => details.every(({ state, pin }) => state === 'in-sync' && pin !== null),
    );
  });

  it('a rollout in flight, a pin and a retry share the places: what has none gets no-place, and does nothing', async () => {
    const agents = await connected(3, { ...edge, outcome: silent });
    await lab.members(3);
    await lab.push(story());
    await until(
      () => agents.reduce((sum, { offers }) => sum + offers.length, 0),
      (sum) => sum === 1,
    );
    const body = {
      selector: 'role=edge',
      expected: 3,
      configuration: 'edge',
      revision: 1,
      reason: 'x',
      author,
    } as const;
    await expect(lab.client.pinAgents({ body })).rejects.toMatchObject({ status: 409, code: 'no-place' });
    const details = await Promise.all(agents.map(({ uid }) => lab.detail(uid)));
    expect(details.filter(({ pin }) => pin !== null)).toEqual([]);
  });
});

describe('an edit that would move agents to another revision (I7)', () => {
  /** Group `core` of three agents with nothing to run, beside group `edge` with a stable revision. */
  async function twoGroups(): Promise<void> {
    await lab.client.putGroup({ name: 'core', body: { selector: 'role=core', configuration: 'edge' } });
    await connected(1);
    await connected(3, { labels: { role: 'core' } });
    await lab.members(1);
    await lab.ends((await lab.push(story())).id);
    await until(
      () => lab.client.getGroup({ name: 'core' }),
      ({ agents }) => agents === 3,
    );
  }

  it('by labels: one moves, three do not', async () => {
    await twoGroups();
    const body = { selector: 'role=core', expected: 3, labels: { role: 'edge' }, author };
    await expect(lab.client.labelAgents({ body })).rejects.toMatchObject({
      code: 'conflict',
      detail: expect.stringContaining(
        '3 agents would come into group edge and get edge@1 without stages; 1 may at a time',
      ),
    });
    expect((await lab.client.listAgents({ selector: 'role=core' })).total).toBe(3);
    await lab.client.labelAgents({ body: { ...body, labels: { tier: 'one' } } });
    expect((await lab.client.listAgents({ selector: 'tier=one' })).total).toBe(3);
    const [agent] = (await lab.client.listAgents({ selector: 'role=core' })).items;
    await lab.client.labelAgent({ id: agent?.id ?? '', body: { labels: { role: 'edge' }, author } });
    await lab.members(2);
  });

  it('by selector, priority, and by deleting the group they are in; a new group moves nobody', async () => {
    await twoGroups();
    const wider = { selector: 'role in (edge,core)', configuration: 'edge', priority: 200 };
    await expect(lab.client.putGroup({ name: 'edge', body: wider })).rejects.toMatchObject({ code: 'conflict' });
    await lab.client.putGroup({ name: 'edge', body: { ...wider, priority: 50 } });
    await expect(lab.client.putGroup({ name: 'edge', body: wider })).rejects.toMatchObject({ code: 'conflict' });
    await expect(lab.client.deleteGroup({ name: 'core' })).rejects.toMatchObject({ code: 'conflict' });
    expect((await lab.client.getGroup({ name: 'core' })).agents).toBe(3);
    await lab.client.putGroup({ name: 'new', body: { selector: 'role=core', configuration: 'edge', priority: 300 } });
    await until(
      () => lab.client.getGroup({ name: 'new' }),
      ({ agents }) => agents === 3,
    );
  });
});
