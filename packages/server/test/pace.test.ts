/** However many agents a push goes to at once: the loop is never held, and comes to what else there is. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SERVER_LIMITS } from '../src/limits.ts';
import { edge, Lab, story, until } from './lab.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.start();
  await lab.edge();
});
afterEach(() => lab[Symbol.asyncDispose]());

it('admits some in each turn, and sends no more while so many offers are unheard of', async () => {
  const { admissionsPerTurn, offersUnheard, tick } = SERVER_LIMITS;
  const count = offersUnheard + 50;
  const agents = Array.from({ length: count }, () => Object.assign(lab.agent(edge), { deaf: true }));
  await Promise.all(agents.map((agent) => agent.connect()));
  await lab.members(count);
  const { id } = await lab.push(story(), { maxInFlight: '100%' });
  await until(
    () => lab.client.getRollout({ id }),
    ({ counts }) => counts.sent === count,
  );

  const log = await lab.client.listRolloutEvents({ id, limit: 1_000 });
  const admitted = log.items.filter(({ kind }) => kind === 'admitted').map(({ data }) => data['agents'] as unknown[]);
  expect(admitted.flat()).toHaveLength(count);
  expect(Math.max(...admitted.map(({ length }) => length))).toBe(admissionsPerTurn);

  const sentAt: number[] = [];
  for (let cursor: string | undefined; sentAt.length < count; ) {
    const page = await lab.client.listRolloutTargets({ id, limit: 1_000, cursor });
    sentAt.push(...page.items.map(({ sentAt: at }) => Date.parse(at ?? '')));
    cursor = page.nextCursor ?? undefined;
  }
  sentAt.sort((one, other) => one - other);
  expect((sentAt[offersUnheard] ?? 0) - (sentAt[0] ?? 0)).toBeGreaterThanOrEqual(tick);
}, 60_000);
