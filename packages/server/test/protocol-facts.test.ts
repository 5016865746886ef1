/** What the protocol does to a rollout, each fact with its regression test (T-A6). P numbers: docs/requirements.md. */
import { RemoteConfigStatuses } from '@flaghoist/opamp';
import { applied as appliedAlone } from '@flaghoist/opamp/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { applied, edge, failed, Lab, type LabAgent, story, until } from './lab.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.start();
  await lab.edge();
});
afterEach(() => lab[Symbol.asyncDispose]());

const CRASHED = 'Agent exited unexpectedly with exit code 1 while applying configuration';

/** A member that is proven to run the story. */
async function proven(agent: LabAgent = lab.agent(edge)): Promise<{ agent: LabAgent; hash: string }> {
  await agent.connect();
  await lab.members(lab.agents.length);
  const { id, hash } = await lab.push(story());
  expect(await lab.ends(id)).toMatchObject({ state: 'succeeded' });
  return { agent, hash };
}

const ended = (id: string) =>
  until(
    () => lab.client.getRollout({ id }),
    ({ endedAt }) => endedAt !== null,
  );

const says = (agent: LabAgent, hash: string, status: RemoteConfigStatuses): void =>
  agent.send(
    agent.change({ remoteConfigStatus: { lastRemoteConfigHash: Buffer.from(hash, 'hex'), status, errorMessage: '' } }),
  );

/** Reconnects and is heard, by whatever it now reports. */
async function comesBack(agent: LabAgent): Promise<void> {
  agent.drop();
  await agent.reconnect();
  const before = agent.received.length;
  agent.send(agent.fullState());
  for (let beat = 0; beat < 3; beat += 1) agent.send(agent.report());
  await until(
    () => agent.received.length,
    (count) => count >= before + 4,
  );
}

it('P2a: an agent that went back by itself reports the old hash, and is not offered the new one again', async () => {
  const { agent, hash: good } = await proven();
  agent.outcome = (config) => {
    agent.outcome = applied;
    return failed(CRASHED)(config);
  };
  const bad = await lab.push(story('otlp/bad'));
  await until(
    () => lab.detail(agent.uid),
    ({ refused }) => refused.some(({ hash }) => hash === bad.hash),
  );
  says(agent, good, RemoteConfigStatuses.RemoteConfigStatuses_APPLIED);
  expect(await ended(bad.id)).toMatchObject({ state: 'rolled-back', counts: { reverted: 1 } });
  await comesBack(agent);
  expect(agent.hashes.filter((hash) => hash === bad.hash)).toHaveLength(1);
  expect(await lab.detail(agent.uid)).toMatchObject({ state: 'in-sync', reported: { hash: good, status: 'APPLIED' } });
});

it('P2b: an agent that fell back goes on saying FAILED of the new one: it is not offered that, but what it ran', async () => {
  const { agent, hash: good } = await proven();
  agent.outcome = (config) => {
    agent.outcome = applied;
    return failed(CRASHED)(config);
  };
  const bad = await lab.push(story('otlp/bad'));
  expect(await ended(bad.id)).toMatchObject({ state: 'rolled-back', counts: { reverted: 1 } });
  expect(agent.hashes).toEqual([good, bad.hash, good]);
  // Restarted, it has but its stored FAILED to tell.
  says(agent, bad.hash, RemoteConfigStatuses.RemoteConfigStatuses_FAILED);
  await comesBack(agent);
  expect(agent.hashes.filter((hash) => hash === bad.hash)).toHaveLength(1);
});

it('P6: no message of ours ever has connection settings, and who was ill before the offer is not blamed on the revision', async () => {
  const everything = 0xffff;
  const ill = lab.agent({ ...edge, capabilities: everything });
  const well = lab.agent({ ...edge, capabilities: everything });
  await Promise.all([ill.connect(), well.connect()]);
  await lab.members(2);
  const first = await lab.push(story());
  await lab.ends(first.id);
  // As after settings that somebody else made it take: nothing but its health changes, and stays so over the restart.
  const stuck = { health: { healthy: false, lastError: '' } };
  ill.send(ill.change(stuck));
  ill.outcome = (config) => [stuck, ...appliedAlone(config)];
  await until(
    () => lab.detail(ill.uid),
    ({ health }) => health?.healthy === false,
  );
  const second = await lab.push(story('otlp/secondary'), { applyTimeout: '1s', successThreshold: 50 });
  expect(await ended(second.id)).toMatchObject({
    state: 'succeeded',
    counts: { proven: 1, inconclusive: 1, failed: 0 },
    spent: { failed: 0, lost: 0 },
  });
  const messages = [ill, well].flatMap(({ received }) => received);
  expect(messages.length).toBeGreaterThan(4);
  expect(messages.filter(({ connectionSettings }) => connectionSettings !== undefined)).toEqual([]);
});

it('P7: an agent that has nothing to go back to is sent no empty map, which would stop its collector', async () => {
  const agent = await lab.agent({ ...edge, outcome: failed(CRASHED) }).connect();
  await lab.members(1);
  const first = await lab.push(story('otlp/bad'));
  const rollout = await lab.ends(first.id);
  expect(rollout).toMatchObject({ state: 'paused', pause: { reason: 'no-rollback-target' } });
  const rollback = lab.client.rollbackRollout({ id: first.id, body: { message: 'back' } });
  await expect(rollback).rejects.toMatchObject({ code: 'conflict' });
  await lab.client.stopRollout({ id: first.id, body: { message: 'as it is', leaveMixed: true } });
  await expect(
    lab.client.createRevision({ name: 'edge', body: { files: {}, message: 'empty' } }),
  ).rejects.toMatchObject({
    status: 422,
  });
  await comesBack(agent);
  expect(agent.hashes).toEqual([first.hash]);
  const maps = agent.received.flatMap(({ remoteConfig }) => remoteConfig?.config ?? []);
  expect(maps.map(({ configMap }) => Object.keys(configMap))).toEqual([['']]);
});
