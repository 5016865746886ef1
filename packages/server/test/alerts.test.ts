import { type Alert, followEvents, type JournalEvent } from '@flaghoist/api';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { applied, applying, edge, failed, Lab, story, until } from './lab.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.start();
  await lab.edge();
});
afterEach(() => lab[Symbol.asyncDispose]());

const WORDS = 'error decoding \'exporters\': unknown type: "otlpp" for id: "otlpp"';
const everybody = { maxInFlight: '100%', maxFailed: '100%' } as const;

/** Agents of group edge, connected. */
async function members(count: number, options: Parameters<Lab['agent']>[0] = {}) {
  const agents = Array.from({ length: count }, () => lab.agent({ ...edge, ...options }));
  for (const agent of agents) await agent.connect();
  await lab.members(lab.agents.length);
  return agents;
}

const alerts = async (filter: object = {}) => (await lab.client.listAlerts(filter)).items;

/** Waits for the only alert of that kind. */
async function alertOf(
  kind: Alert['kind'],
  holds: (alert: Alert) => boolean = () => true,
  millis = 8_000,
): Promise<Alert> {
  const found = await until(
    () => alerts({ kind }),
    ([first]) => first !== undefined && holds(first),
    millis,
  );
  expect(found).toHaveLength(1);
  return found[0] as Alert;
}

const isOver = ({ state }: Alert): boolean => state === 'resolved';

/** Everything that happens from now on, with when it came. */
function listen() {
  const heard: { event: JournalEvent; at: number }[] = [];
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const baseUrl = `http://${lab.server.addresses.api}`;
  void (async () => {
    for await (const event of followEvents({ baseUrl, signal: stop.signal })) heard.push({ event, at: Date.now() });
  })();
  return heard;
}

describe('config-failed', () => {
  it('is in the event stream within a second of the message, with the words of the agent', async () => {
    const heard = listen();
    let said = 0;
    await members(1, {
      outcome: (config) => {
        said = Date.now();
        return failed(WORDS)(config);
      },
    });
    const { id } = await lab.push(story());
    const { event, at } = (await until(
      () => heard.find(({ event }) => event.kind === 'alert.raised' && event.data['kind'] === 'config-failed'),
      (found) => found !== undefined,
    )) as (typeof heard)[number];
    expect(at - said).toBeLessThan(1_000);
    console.log(`alert in the stream ${at - said} ms after FAILED`);
    expect(event.data).toMatchObject({ rollout: id, group: 'edge', count: 1, remaining: 1 });
    expect(event.data['summary']).toMatch(/^agent .* could not apply edge@1 \(group edge, rollout r\w+\): .*otlpp/);
    expect(await alertOf('config-failed')).toMatchObject({
      id: event.subject.slice('alert/'.length),
      state: 'active',
      causes: [{ reason: 'agent-failed', message: WORDS, count: 1, examples: [{ agent: expect.any(String) }] }],
    });
    expect((await lab.client.getFleet()).alerts).toBe((await alerts({ state: 'active' })).length);
  });

  it('is one for many agents, by what they say; it ends when they run something else', async () => {
    await members(3, { outcome: failed('no such file') });
    const others = await members(2, { outcome: failed('port in use') });
    const { id } = await lab.push(story(), everybody);
    const raised = await alertOf('config-failed', ({ count }) => count === 5);
    expect(raised.causes).toMatchObject([
      { message: 'no such file', count: 3 },
      { message: 'port in use', count: 2 },
    ]);
    for (const agent of lab.agents) agent.outcome = applied;
    const mended = await lab.push(story('otlp/secondary'), everybody, true);
    await lab.ends(mended.id);
    expect(await alertOf('config-failed', isOver, 15_000)).toMatchObject({
      id: raised.id,
      remaining: 0,
      count: 5,
      rollout: id,
    });
    expect(others).toHaveLength(2);
  });

  it('is the same after a restart, and ends after it', async () => {
    await members(2, { outcome: failed(WORDS) });
    await lab.push(story(), everybody);
    const before = await alertOf('config-failed', ({ count }) => count === 2);
    // The rollout stops as well: that is told before.
    await alertOf('rollout-paused');
    await new Promise((resolve) => setTimeout(resolve, 300));
    const told = (await lab.client.getFleet()).lastEvent;
    await lab.restart();
    await until(
      () => alerts({ state: 'active' }),
      (found) => found.length > 0,
    );
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(await alertOf('config-failed')).toEqual(before);
    const news = [];
    const signal = AbortSignal.timeout(500);
    const baseUrl = `http://${lab.server.addresses.api}`;
    for await (const event of followEvents({ baseUrl, after: told, signal })) news.push(event.kind);
    expect(news.filter((kind) => kind.startsWith('alert.'))).toEqual([]);
    for (const agent of lab.agents) {
      agent.outcome = applied;
      await agent.reconnect();
    }
    await lab.push(story('otlp/secondary'), everybody, true);
    expect(await alertOf('config-failed', isOver, 15_000)).toMatchObject({ id: before.id });
  });

  it('of a pin is one of the group, and ends with the pin', async () => {
    const [agent] = await members(1, { outcome: failed(WORDS) });
    await lab.client.createRevision({ name: 'edge', body: { files: { '': { body: story() } }, message: '' } });
    const id = agent?.uid ?? '';
    await lab.client.pinAgent({ id, body: { configuration: 'edge', revision: 1, reason: 'try' } });
    expect(await alertOf('config-failed')).toMatchObject({ rollout: null, group: 'edge', count: 1 });
    await lab.client.unpinAgent({ id });
    await alertOf('config-failed', isOver, 15_000);
  });
});

it('rollout-paused: with the reason, until somebody goes on', async () => {
  await members(1, { outcome: failed(WORDS) });
  const { id } = await lab.push(story());
  const raised = await alertOf('rollout-paused');
  expect(raised).toMatchObject({ rollout: id, count: 0, causes: [{ count: 0, examples: [] }] });
  expect(raised.summary).toContain(`(group edge, rollout ${id})`);
  for (const agent of lab.agents) agent.outcome = applied;
  await lab.push(story('otlp/secondary'), {}, true);
  await alertOf('rollout-paused', isOver, 15_000);
});

it('agents-lost: who vanishes after the offer, until it is back', async () => {
  const [agent] = await members(1, { outcome: applying });
  await lab.push(story(), { applyTimeout: '1s' });
  await until(
    () => agent?.offers.length,
    (count) => count === 1,
  );
  agent?.drop();
  expect(await alertOf('agents-lost')).toMatchObject({ count: 1, causes: [{ reason: 'lost-contact' }] });
  await agent?.reconnect();
  await alertOf('agents-lost', ({ remaining }) => remaining === 0);
});

it('rolled-back: who takes another revision by itself', async () => {
  const [agent] = await members(1);
  const first = await lab.push(story());
  await lab.ends(first.id);
  expect(agent).toBeDefined();
  const old = agent?.offers[0];
  if (agent === undefined || old === undefined) return;
  agent.outcome = (config) => [...applying(config), ...applied(old)];
  await lab.push(story('otlp/secondary'));
  expect(await alertOf('rolled-back')).toMatchObject({ count: 1, causes: [{ reason: 'agent-reverted' }] });
  // The rollback takes no millisecond: what it was for is told beside it, until somebody goes on.
  expect(await alertOf('rollout-rolled-back')).toMatchObject({ causes: [{ reason: 'rolled-back' }], count: 0 });
  agent.outcome = applied;
  await lab.push(story('otlp/third'));
  await alertOf('rollout-rolled-back', isOver, 15_000);
  await alertOf('rolled-back', isOver, 15_000);
});

it('agent-conflict: two agents with one uid', async () => {
  const [agent] = await members(1);
  const clone = lab.agent({ ...edge, uid: agent?.uid ?? '' } as never);
  await clone.connect();
  agent?.send(agent.report());
  expect(await alertOf('agent-conflict')).toMatchObject({ group: 'edge', rollout: null, count: 1 });
});

it('lists by state, kind, group and rollout, a page at a time', async () => {
  await members(1, { outcome: failed(WORDS) });
  const { id } = await lab.push(story());
  const found = await until(
    () => alerts(),
    (all) => all.length === 2,
  );
  const page = await lab.client.listAlerts({ limit: 1 });
  const rest = await lab.client.listAlerts({ limit: 1, cursor: page.nextCursor ?? '' });
  expect([...page.items, ...rest.items].map((alert) => alert.id)).toEqual(found.map((alert) => alert.id));
  expect(page.total).toBe(2);
  expect(await alerts({ rollout: id, group: 'edge', state: 'active' })).toHaveLength(2);
  expect(await alerts({ group: 'other' })).toEqual([]);
  expect(await alerts({ state: 'resolved' })).toEqual([]);
  expect(await alerts({ kind: 'drift' })).toEqual([]);
});
