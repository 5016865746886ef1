/** A revision's number means one text for ever; what changes while a request waits is looked at again. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applied, edge, Lab, story, until } from './lab.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.start();
  await lab.edge();
});
afterEach(() => lab[Symbol.asyncDispose]());

const save = (body: string, extra: object = {}) =>
  lab.client.createRevision({ name: 'x', body: { files: { '': { body } }, message: 'm', ...extra } });

describe('a configuration that is deleted and made again', () => {
  it('goes on with the numbers, also after a restart, however often', async () => {
    await lab.client.putConfiguration({ name: 'x', body: {} });
    expect([(await save(story())).number, (await save(story('otlp/b'))).number]).toEqual([1, 2]);
    await lab.client.deleteConfiguration({ name: 'x' });
    await expect(lab.client.getRevision({ name: 'x', revision: 1 })).rejects.toMatchObject({ status: 404 });
    expect(await lab.client.putConfiguration({ name: 'x', body: {} })).toMatchObject({ latest: 0 });
    await lab.restart();
    await expect(lab.client.getRevision({ name: 'x', revision: 1 })).rejects.toMatchObject({ status: 404 });
    expect(await save(story('otlp/c'))).toMatchObject({ number: 3, parent: null });
    expect(await lab.client.getConfiguration({ name: 'x' })).toMatchObject({ latest: 3 });
    await lab.client.deleteConfiguration({ name: 'x' });
    await lab.client.putConfiguration({ name: 'x', body: {} });
    await lab.client.deleteConfiguration({ name: 'x' });
    await lab.client.putConfiguration({ name: 'x', body: {} });
    expect((await save(story())).number).toBe(4);
    await lab.restart();
    expect((await lab.client.getRevision({ name: 'x', revision: 4 })).files['']?.body).toBe(story());
    await expect(lab.client.getRevision({ name: 'x', revision: 3 })).rejects.toMatchObject({ status: 404 });
    expect((await lab.client.listConfigurations({})).items.map(({ name }) => name)).toEqual(['edge', 'x']);
  });
});

it('a configuration deleted while a pin to it is made: one of the two is refused', async () => {
  const agent = await lab.agent(edge).connect();
  await lab.members(1);
  for (let round = 0; round < 5; round += 1) {
    await lab.client.putConfiguration({ name: 'x', body: {} });
    const { number, hash } = await save(story(`otlp/r${round}`));
    await lab.restart();
    await agent.reconnect();
    const [pinned, deleted] = await Promise.allSettled([
      lab.client.pinAgent({ id: agent.uid, body: { configuration: 'x', revision: number, reason: 'r' } }),
      lab.client.deleteConfiguration({ name: 'x' }),
    ]);
    expect([pinned.status, deleted.status].sort()).toEqual(['fulfilled', 'rejected']);
    const { pin, desired } = await lab.detail(agent.uid);
    expect([pin?.revision ?? null, desired?.hash ?? null]).toEqual(
      pinned.status === 'fulfilled' ? [number, hash] : [null, null],
    );
    await lab.client.unpinAgent({ id: agent.uid });
    if (deleted.status === 'rejected') await lab.client.deleteConfiguration({ name: 'x' });
  }
});

it('an ended rollout keeps being told as it was, from memory as from its log', async () => {
  const agents = await Promise.all(Array.from({ length: 5 }, () => lab.agent({ ...edge, outcome: applied }).connect()));
  await lab.members(agents.length);
  const { id } = await lab.push(story());
  const ended = await until(
    () => lab.client.getRollout({ id }),
    ({ state }) => state === 'succeeded',
  );
  const targets = () => lab.client.listRolloutTargets({ id });
  const before = await targets();
  expect(before.items.map(({ state }) => state)).toEqual(agents.map(() => 'proven'));
  expect(await targets()).toEqual(before);
  await lab.restart();
  expect(await targets()).toEqual(before);
  expect(await lab.client.getRollout({ id })).toEqual(ended);
});
