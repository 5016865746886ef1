/** What becomes of agents that were given up for lost and come back (docs/adr/0006). */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { applied, applying, edge, Lab, type LabAgent, story, until } from './lab.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.start();
  await lab.edge();
});
afterEach(() => lab[Symbol.asyncDispose]());

/** An agent that will be gone as soon as it has the offer, and does not keep it. */
const lost = (): Promise<LabAgent> => lab.agent(edge).connect();

it('they are sent nothing while their rollout goes on (I1), and catch up once it has succeeded', async () => {
  const gone = [await lost(), await lost()];
  await lab.members(2);
  const stable = await lab.push(story());
  await lab.ends(stable.id);
  for (const agent of gone) agent.deaf = true;
  const { id, hash } = await lab.push(story('otlp/secondary'), {
    maxInFlight: 1,
    maxLost: 2,
    successThreshold: 30,
    applyTimeout: '1s',
    minHealthyTime: '3s',
  });
  for (const count of [1, 2]) {
    const dropped = await until(
      () => gone.filter(({ offers }) => offers.length === 2),
      ({ length }) => length === count,
    );
    for (const agent of dropped) agent.drop();
  }
  const well = await lab.agent(edge).connect();
  const { counts } = await until(
    () => lab.client.getRollout({ id }),
    ({ counts }) => counts.verifying === 1,
  );
  expect(counts).toMatchObject({ failed: 2 });
  for (const agent of gone) {
    agent.deaf = false;
    await agent.reconnect();
    await until(
      () => lab.detail(agent.uid),
      ({ connected }) => connected,
    );
  }
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(await lab.client.getRollout({ id })).toMatchObject({ state: 'running', counts: { verifying: 1 } });
  for (const agent of gone) expect(agent.hashes).toEqual([stable.hash, hash]);
  well.send(well.report());
  expect(await lab.ends(id)).toMatchObject({ state: 'succeeded', counts: { proven: 1, failed: 2 } });
  for (const { uid } of gone)
    await until(
      () => lab.detail(uid),
      ({ state }) => state === 'in-sync',
    );
  expect(gone.map(({ hashes }) => hashes)).toEqual([
    [stable.hash, hash, hash],
    [stable.hash, hash, hash],
  ]);
  expect(well.hashes.at(-1)).toEqual(hash);
});

it('in a rollout that has paused they get the stable revision, as who comes back without any does (A.7)', async () => {
  const agent = await lab.agent(edge).connect();
  await lab.members(1);
  const stable = await lab.push(story());
  await lab.ends(stable.id);
  agent.deaf = true;
  const { id, hash } = await lab.push(story('otlp/secondary'), { maxFailed: 0, applyTimeout: '1s' });
  await until(
    () => agent.hashes,
    (hashes) => hashes.includes(hash),
  );
  agent.drop();
  expect(await lab.ends(id)).toMatchObject({ state: 'paused' });
  // Its disk was lost with it.
  const reimaged = await lab.agent({ ...edge, uid: agent.uid }).connect();
  await until(
    () => lab.detail(agent.uid),
    ({ state }) => state === 'in-sync',
  );
  expect(reimaged.hashes).toEqual([stable.hash]);
});

it('nobody is given up for an outage of our own that was longer than their time (I10)', async () => {
  const agent = await lab.agent({ ...edge, outcome: applying }).connect();
  await lab.members(1);
  const { id, hash } = await lab.push(story(), { maxFailed: 0, applyTimeout: '1s' });
  await until(
    () => lab.detail(agent.uid),
    ({ ledger }) => ledger[0]?.phase === 'applying',
  );
  await lab.restart(() => new Promise((resolve) => setTimeout(resolve, 1_500)));
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(await lab.client.getRollout({ id })).toMatchObject({ state: 'running', counts: { failed: 0 } });
  await agent.reconnect();
  for (const offer of agent.offers) for (const change of applied(offer)) agent.send(agent.change(change));
  expect(await lab.ends(id)).toMatchObject({ state: 'succeeded', counts: { proven: 1 } });
  expect(agent.hashes).toEqual([hash]);
});
