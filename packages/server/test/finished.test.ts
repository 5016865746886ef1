/** Taking back a rollout that has succeeded (A.7, I9). */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { edge, failed, Lab, story, until } from './lab.ts';

let lab: Lab;

beforeEach(async () => {
  lab = await Lab.start();
  await lab.edge();
});
afterEach(() => lab[Symbol.asyncDispose]());

const becomes = (id: string, state: string) =>
  until(
    () => lab.client.getRollout({ id }),
    (seen) => seen.state === state,
  );

test('whoever fails on the way back stops it and nothing more; what was taken back is condemned', async () => {
  const agents = await Promise.all(Array.from({ length: 3 }, () => lab.agent(edge).connect()));
  await lab.members(3);
  const good = await lab.push(story());
  await becomes(good.id, 'succeeded');
  const bad = await lab.push(story('otlp/second'));
  await becomes(bad.id, 'succeeded');
  const [first] = agents;
  if (first) first.outcome = failed('no');
  const { rollouts } = await lab.client.rollbackRollout({ id: bad.id, body: { message: 'it drops data' } });
  const back = rollouts[0]?.id ?? '';
  expect(await becomes(back, 'paused')).toMatchObject({ target: { hash: good.hash }, pause: { reason: 'failures' } });
  const group = await lab.client.getGroup({ name: 'edge' });
  // Who comes now is not given what was just taken back.
  expect(group.stable?.hash).toBe(good.hash);
  const again = { group: 'edge', configuration: 'edge', revision: bad.number, message: '', supersede: true } as const;
  await expect(lab.client.startRollout({ body: again })).rejects.toMatchObject({
    code: 'preflight-failed',
    detail: expect.stringContaining(`rollout ${back} took it back`),
  });
});

test('a group that is deleted and made again remembers what was condemned in it, over a restart as well', async () => {
  await lab.agent(edge).connect();
  await lab.members(1);
  const one = await lab.push(story());
  await becomes(one.id, 'succeeded');
  const two = await lab.push(story('otlp/second'), { bake: '10m' });
  await becomes(two.id, 'baking');
  await lab.client.rollbackRollout({ id: two.id, body: {} });
  await becomes(two.id, 'rolled-back');
  await lab.client.deleteGroup({ name: 'edge' });
  expect((await lab.client.listGroups({})).items).toEqual([]);
  await lab.restart();
  await lab.edge();
  const again = { group: 'edge', configuration: 'edge', revision: two.number, message: '' } as const;
  await expect(lab.client.startRollout({ body: again })).rejects.toMatchObject({ code: 'preflight-failed' });
});

test('what was taken back once is no way back', async () => {
  await lab.agent(edge).connect();
  await lab.members(1);
  const one = await lab.push(story());
  await becomes(one.id, 'succeeded');
  const two = await lab.push(story('otlp/second'));
  await becomes(two.id, 'succeeded');
  const back = (await lab.client.rollbackRollout({ id: two.id, body: {} })).rollouts[0]?.id ?? '';
  await becomes(back, 'succeeded');
  await expect(lab.client.rollbackRollout({ id: back, body: {} })).rejects.toMatchObject({ code: 'conflict' });
});
