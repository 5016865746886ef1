/** The server is killed with -9 while a push is under way: nothing is lost, nothing is sent twice (I3, I5, I10, R2). */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applied, applying, edge, LabAgent, offered, story, until } from './lab.ts';
import { Program } from './program.ts';

let server: Program;
let agents: LabAgent[];

beforeEach(async () => {
  server = await Program.create();
  agents = [];
  await server.start();
  await server.client.putConfiguration({ name: 'edge', body: {} });
  await server.client.putGroup({
    name: 'edge',
    body: { selector: 'role=edge', configuration: 'edge', strategy: 'all-at-once' },
  });
});
afterEach(async () => {
  for (const agent of agents) agent.drop();
  await server[Symbol.asyncDispose]();
});

async function enrol(options: ConstructorParameters<typeof LabAgent>[1]): Promise<LabAgent> {
  const agent = new LabAgent({ server }, options);
  agents.push(agent);
  return agent.connect();
}

async function push(body: string): Promise<{ id: string; hash: string }> {
  const files = { '': { body } };
  const { hash, number } = await server.client.createRevision({
    name: 'edge',
    body: { files, message: 'test' },
  });
  const request = { group: 'edge', configuration: 'edge', revision: number, message: 'test' } as const;
  const { rollouts } = await server.client.startRollout({ body: request });
  return { id: rollouts[0]?.id ?? '', hash };
}

const members = (count: number) =>
  until(
    () => server.client.getGroup({ name: 'edge' }),
    (group) => group.agents === count,
  );
const ends = (id: string) =>
  until(
    () => server.client.getRollout({ id }),
    ({ state }) => state !== 'running',
    15_000,
  );

describe('kill -9 of the server', () => {
  it('idle: every agent is known again, and nothing is sent', async () => {
    const agent = await enrol(edge);
    await members(1);
    const { id, hash } = await push(story());
    await ends(id);
    await server.kill();
    await server.start();
    await agent.reconnect();
    const detail = await until(
      () => server.client.getAgent({ id: agent.uid }),
      ({ state }) => state === 'in-sync',
    );
    expect(detail).toMatchObject({ reported: { hash }, desired: { hash }, group: 'edge' });
    expect(agent.hashes).toEqual([hash]);
    expect(await server.client.listRollouts({})).toMatchObject({ items: [{ id, state: 'succeeded' }] });
  });

  it('while an agent applies: it is asked for its state, not sent the same again, and converges', async () => {
    const agent = await enrol({ ...edge, outcome: applying });
    await members(1);
    const { id, hash } = await push(story());
    await until(
      () => server.client.getAgent({ id: agent.uid }),
      ({ ledger }) => ledger[0]?.phase === 'applying',
    );
    await server.kill();
    await server.start();
    await agent.reconnect();
    const status = applied(agent.offers[0] as never);
    for (const change of status) agent.send(agent.change(change));
    expect(await ends(id)).toMatchObject({ state: 'succeeded', counts: { proven: 1 } });
    expect(agent.hashes).toEqual([hash]);
  });

  it('after the record of sending, before the agent got it: the full state names another hash, so it is sent again', async () => {
    const agent = await enrol({ ...edge, outcome: applied });
    await members(1);
    agent.deaf = true;
    const { id, hash } = await push(story());
    await offered(agent);
    await server.kill();
    // As if the bytes had been lost with the connection: the agent never saw them.
    agent.offers.length = 0;
    agent.deaf = false;
    await server.start();
    await agent.reconnect();
    expect(await ends(id)).toMatchObject({ state: 'succeeded' });
    expect(agent.hashes).toEqual([hash]);
    const detail = await server.client.getAgent({ id: agent.uid });
    expect(detail.ledger[0]).toMatchObject({ sends: 2, phase: 'proven' });
  });

  it('in the middle of a push to 40 agents, three times: each gets it once, each proves it, none fails', async () => {
    for (let index = 0; index < 40; index += 1) await enrol(edge);
    await members(40);
    const { id, hash } = await push(story());
    for (let round = 0; round < 3; round += 1) {
      await new Promise((resolve) => setTimeout(resolve, 15 * (round + 1)));
      await server.kill();
      await server.start();
      await Promise.all(agents.map((agent) => agent.reconnect()));
    }
    expect(await ends(id)).toMatchObject({ state: 'succeeded', counts: { proven: 40, failed: 0 } });
    for (const agent of agents) expect(new Set(agent.hashes)).toEqual(new Set([hash]));
    const repeated = agents.filter(({ hashes }) => hashes.length > 1);
    expect(repeated).toEqual([]);
  });

  it('SIGTERM drains: not ready any more, agents sent away evenly over 5 s, in no order of theirs (R10)', async () => {
    const AGENTS = 150;
    for (let at = 0; at < AGENTS; at += 25) await Promise.all(Array.from({ length: 25 }, () => enrol(edge)));
    await members(AGENTS);
    const gone: LabAgent[] = [];
    const perSecond: number[] = [];
    const ended = server.kill('SIGTERM');
    const ready = await until(
      () => fetch(`http://${server.addresses.ops}/readyz`).then(({ status }) => status),
      (status) => status === 503,
    );
    expect(ready).toBe(503);
    const began = performance.now();
    while (gone.length < AGENTS && performance.now() - began < 15_000) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      for (const agent of agents) {
        if (agent.closeCode === undefined || gone.includes(agent)) continue;
        gone.push(agent);
        const second = Math.floor((performance.now() - began) / 1_000);
        perSecond[second] = (perSecond[second] ?? 0) + 1;
      }
    }
    expect(await ended).toBe(0);
    expect(new Set(gone.map(({ closeCode }) => closeCode))).toEqual(new Set([1001]));
    expect(gone).not.toEqual(agents);
    for (const count of perSecond) expect(count ?? 0).toBeLessThanOrEqual(1.3 * (AGENTS / 5));
  });

  it('SIGTERM closes the agents’ connections with 1001 and ends with 0', async () => {
    const agent = await enrol(edge);
    await members(1);
    expect(await server.kill('SIGTERM')).toBe(0);
    expect(agent.closeCode).toBe(1001);
  });
});
