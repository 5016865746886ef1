/** How agents come back from a rollout (I13), and who is kept out of one (A.7, I7). */
import { decodeServerToAgent, encodeAgentToServer, formatUid } from '@flaghoist/opamp';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { connectWebSocket } from '../../opamp/test/client.ts';
import { edge, illWith, Lab, type LabAgent, offered, refusing, silent, story, until } from './lab.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.start();
  await lab.edge();
});
afterEach(() => lab[Symbol.asyncDispose]());

const HOLD = { applyTimeout: '1500ms', minHealthyTime: '0s' } as const;

/** The first revision of the group, proven on whoever is in it. */
async function stable(members: number): Promise<string> {
  await lab.members(members);
  const { id, hash } = await lab.push(story(), { maxInFlight: 5 });
  expect(await lab.ends(id)).toMatchObject({ state: 'succeeded' });
  return hash;
}

const ledgerOf = async (uid: LabAgent['uid']) => (await lab.detail(uid)).ledger[0];

it('who never answered is asked to connect anew, and is taken at its word only when its time is over (I13)', async () => {
  const agent = await lab.agent(edge).connect();
  const good = await stable(1);
  agent.deaf = true;
  const { id, hash: bad } = await lab.push(story('otlp/secondary'), { ...HOLD, maxFailed: 0, maxLost: 0 });
  await until(
    () => agent.closeCode,
    (code) => code === 1000,
  );
  const closedAt = Date.now();
  agent.deaf = false;
  await agent.reconnect();
  const entry = await until(
    () => ledgerOf(agent.uid),
    (entry) => entry?.source.kind === 'rollback',
  );
  expect(entry).toMatchObject({ phase: 'offered', revision: { hash: good } });
  await until(
    () => lab.client.getRollout({ id }),
    ({ state }) => state === 'rolled-back',
  );
  expect(await ledgerOf(agent.uid)).toMatchObject({
    phase: 'proven',
    sends: 0,
    source: { kind: 'rollback', rollout: id },
  });
  expect(Date.now() - closedAt).toBeGreaterThan(1_000);
  // It named the good one all along: nothing but the bad one was ever sent after it.
  expect(agent.hashes).toEqual([good, bad]);
  const { refused } = await lab.detail(agent.uid);
  expect(refused).toEqual([]);
});

it('the way back of a finished rollout is not taken back, and what it comes from is given to nobody (I9)', async () => {
  const agents = await Promise.all(Array.from({ length: 6 }, () => lab.agent(edge).connect()));
  const good = await stable(6);
  const second = await lab.push(story('otlp/secondary'), { maxInFlight: 6 });
  expect(await lab.ends(second.id)).toMatchObject({ state: 'succeeded' });
  for (const agent of agents.slice(1)) agent.outcome = silent;
  const asked = (id: string) => lab.client.rollbackRollout({ id, body: { author: 'ada', message: 'drops data' } });
  const [back] = (await asked(second.id)).rollouts;
  expect(back).toMatchObject({ takesBack: second.id, target: { hash: good } });
  const id = back?.id ?? '';
  await expect(asked(id)).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('way back') });
  // Who comes now is given what the others go back to.
  const late = await lab.agent(edge).connect();
  await until(
    () => late.hashes,
    ({ length }) => length > 0,
  );
  expect(late.hashes).toEqual([good]);
  const stop = { author: 'ada', message: 'enough', leaveMixed: true };
  await lab.client.stopRollout({ id, body: stop });
  expect(await lab.client.getGroup({ name: 'edge' })).toMatchObject({ stable: { hash: good } });
});

it('who fell ill of it and was taken back is not given it again when a later push fails as well (A.4, I7)', async () => {
  const bad = await lab.agent({ labels: { ...edge.labels, old: 'yes' } }).connect();
  const others = await Promise.all(Array.from({ length: 3 }, () => lab.agent(edge).connect()));
  const agents = [bad, ...others];
  const good = await stable(4);
  bad.outcome = illWith('otlp/secondary');
  const share = { applyTimeout: '1s', maxFailed: 1, successThreshold: 50, maxInFlight: 4 };
  const second = await lab.push(story('otlp/secondary'), share);
  const becomes = (id: string, wanted: string) =>
    until(
      () => lab.client.getRollout({ id }),
      ({ state }) => state === wanted,
    );
  expect(await becomes(second.id, 'succeeded')).toMatchObject({ counts: { proven: 3, reverted: 1 } });
  for (const agent of others) agent.outcome = refusing('otlp/third');
  const third = await lab.push(story('otlp/third'), {
    ...share,
    canary: { size: 1, selector: '!old' },
    stages: ['canary', '100%'],
  });
  await becomes(third.id, 'rolled-back');
  const hashes = async () => Promise.all(agents.map(async ({ uid }) => (await lab.detail(uid)).desired?.hash));
  // Whatever the lane would do it does within a few ticks.
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  expect(await hashes()).toEqual([good, second.hash, second.hash, second.hash]);
});

it('a mix stays while the next rollout is paused before it comes to it (A.7, I7)', async () => {
  const old = await lab.agent({ labels: { ...edge.labels, old: 'yes' } }).connect();
  const other = await lab.agent(edge).connect();
  await stable(2);
  old.outcome = silent;
  const by = { author: 'ada', message: 'wait' };
  const second = await lab.push(story('otlp/secondary'), { applyTimeout: '1s', maxInFlight: 2 });
  await lab.client.pauseRollout({ id: second.id, body: by });
  await until(
    () => ledgerOf(old.uid),
    (entry) => entry?.phase === 'failed',
  );
  await lab.client.stopRollout({ id: second.id, body: { ...by, leaveMixed: true } });
  other.outcome = silent;
  const canary = { size: 1, selector: '!old' };
  const third = await lab.push(story('otlp/third'), { applyTimeout: '60s', canary, stages: ['canary', '100%'] });
  await lab.client.pauseRollout({ id: third.id, body: by });
  await old.reconnect();
  // Whatever the lane would do it does within a few ticks.
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  expect(await ledgerOf(old.uid)).toMatchObject({ revision: { hash: second.hash }, source: { rollout: second.id } });
});

it('over a connection that carries others the time alone counts', async () => {
  const [one, two] = [lab.agent(edge), lab.agent(edge)];
  let closed = false;
  const socket = await connectWebSocket(`ws://${lab.server.addresses.opamp}/v1/opamp`, {
    message: (payload) => {
      const message = decodeServerToAgent(payload);
      const uid = Buffer.from(message.instanceUid).toString('hex');
      const agent = [one, two].find((each) => formatUid(each.uid).replaceAll('-', '') === uid);
      for (const answer of agent?.receive(message) ?? []) socket.send(encodeAgentToServer(answer));
    },
    closed: () => {
      closed = true;
    },
  });
  for (const agent of [one, two]) socket.send(encodeAgentToServer(agent.start()));
  const good = await stable(2);
  one.outcome = silent;
  two.outcome = silent;
  const { id } = await lab.push(story('otlp/secondary'), { ...HOLD, maxFailed: 0, maxLost: 0 });
  expect(
    await until(
      () => lab.client.getRollout({ id }),
      ({ state }) => state.startsWith('rolled-back'),
    ),
  ).toMatchObject({ state: 'rolled-back' });
  expect(closed).toBe(false);
  for (const { uid } of [one, two])
    expect(await ledgerOf(uid)).toMatchObject({ phase: 'proven', revision: { hash: good } });
  socket.terminate();
});

it('who comes while a rollout runs gets what is stable, before its turn comes (A.7)', async () => {
  const first = await lab.agent(edge).connect();
  const good = await stable(1);
  first.outcome = silent;
  const { id } = await lab.push(story('otlp/secondary'), { maxInFlight: 1, applyTimeout: '60s' });
  await until(
    () => first.offers.length,
    (count) => count === 2,
  );
  const late = await lab.agent(edge).connect();
  await offered(late);
  expect(late.hashes).toEqual([good]);
  expect(await lab.client.getRollout({ id })).toMatchObject({ state: 'running' });
  const entry = await until(
    () => ledgerOf(late.uid),
    (entry) => entry?.phase === 'proven',
  );
  expect(entry?.source).toEqual({ kind: 'catch-up', group: 'edge' });
});

it('who keeps moving from group to group is quarantined, until somebody approves it (I7)', async () => {
  await lab.client.putConfiguration({ name: 'core', body: {} });
  await lab.client.putGroup({
    name: 'core',
    body: { selector: 'role=core', configuration: 'core', strategy: 'all-at-once' },
  });
  const agent = await lab.agent(edge).connect();
  const is = (role: string): void => {
    const nonIdentifyingAttributes = [{ key: 'role', value: { value: { case: 'stringValue' as const, value: role } } }];
    agent.send(agent.change({ agentDescription: { identifyingAttributes: [], nonIdentifyingAttributes } }));
  };
  for (const role of ['core', 'edge', 'core']) is(role);
  const seen = await until(
    () => lab.detail(agent.uid),
    ({ state, group }) => state === 'quarantined' && group === 'core',
  );
  expect(seen.admission).toBe('quarantined');
  expect(seen.reason).toContain('left its group 3 times within 10 min by its own attributes');
  await until(
    () => lab.client.getAgentTimeline({ id: agent.uid }),
    ({ items }) => items.some(({ kind }) => kind === 'agent.quarantined'),
  );
  const free = await lab.client.approveAgent({ id: agent.uid, author: 'ada' });
  expect(free).toMatchObject({ admission: 'open', state: 'unmanaged' });
  is('edge');
  await until(
    () => lab.detail(agent.uid),
    ({ group, admission }) => group === 'edge' && admission === 'open',
  );
});
