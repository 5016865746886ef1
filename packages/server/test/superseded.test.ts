/** What a rollout leaves behind when another one takes over from it. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { edge, failed, Lab, silent, story, until } from './lab.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.start();
  await lab.edge();
});
afterEach(() => lab[Symbol.asyncDispose]());

it('its revision is not sent again to an agent that was away, also while the one after it is paused', async () => {
  const away = await lab.agent({ ...edge, outcome: silent }).connect();
  const there = await lab.agent({ ...edge, outcome: failed('not this one') }).connect();
  await lab.members(2);
  const first = await lab.push(story(), { maxInFlight: 2 });
  await until(
    () => away.hashes,
    ({ length }) => length === 1,
  );
  away.drop();
  await until(
    () => there.hashes,
    ({ length }) => length === 1,
  );
  const second = await lab.push(story('otlp/secondary'), { maxInFlight: 2, maxFailed: 0 }, true);
  expect(await lab.ends(second.id)).toMatchObject({ state: 'paused' });
  away.deaf = false;
  await away.reconnect();
  await until(
    () => lab.detail(away.uid),
    ({ connected }) => connected,
  );
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(away.hashes).toEqual([first.hash]);
});

it('those who had it get the next one as slowly as that says', async () => {
  const agents = await Promise.all(Array.from({ length: 6 }, () => lab.agent({ ...edge, outcome: silent }).connect()));
  await lab.members(6);
  await lab.push(story(), { maxInFlight: 6 });
  await until(
    () => agents.flatMap(({ hashes }) => hashes),
    ({ length }) => length === 6,
  );
  const fix = await lab.push(story('otlp/secondary'), { maxInFlight: 1 }, true);
  await until(
    () => agents.flatMap(({ hashes }) => hashes).filter((hash) => hash === fix.hash),
    ({ length }) => length > 0,
  );
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(agents.flatMap(({ hashes }) => hashes).filter((hash) => hash === fix.hash)).toHaveLength(1);
});
