/** Who is who: our own id, instance uids that change, clones, many agents on one socket. */
import { randomBytes } from 'node:crypto';
import {
  decodeServerToAgent,
  encodeAgentToServer,
  newUuidV7,
  type ServerToAgent,
  uidFromBytes,
} from '@flaghoist/opamp';
import { MemoryAgent } from '@flaghoist/opamp/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectWebSocket } from '../../opamp/test/client.ts';
import { applied, edge, Lab, story, until } from './lab.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.start();
  await lab.edge();
});
afterEach(() => lab[Symbol.asyncDispose]());

const total = (count: number) =>
  until(
    () => lab.client.listAgents({}),
    (page) => page.total === count,
  );

describe('two agents with one instance uid (S-084, S-085)', () => {
  it('become two: the newer one gets another uid, the elder keeps its record', async () => {
    const elder = await lab.agent(edge).connect();
    await total(1);
    const { id } = await lab.detail(elder.uid);
    const { uid } = elder;
    const newer = await lab.agent({ ...edge, uid }).connect();
    await until(
      () => newer.received.length,
      (count) => count > 0,
    );
    elder.send(elder.report());
    newer.send(newer.report());
    await until(
      () => [elder.uid, newer.uid],
      ([one, two]) => {
        elder.send(elder.report());
        newer.send(newer.report());
        return one !== two;
      },
    );
    await total(2);
    expect(elder.uid).toBe(uid);
    expect((await lab.detail(elder.uid)).id).toBe(id);
    const push = await lab.push(story());
    await until(
      () => lab.client.getRollout({ id: push.id }),
      ({ state }) => state === 'succeeded',
    );
    expect([elder.hashes, newer.hashes]).toEqual([[push.hash], [push.hash]]);
  });
});

describe('an instance uid that changes', () => {
  it('by request of the agent: same record, another uid (S-079, S-083)', async () => {
    const agent = lab.agent(edge);
    const temporary = agent.uid;
    await agent.connect(() => ({ ...agent.start(), flags: 1n }));
    await until(
      () => agent.uid,
      (uid) => uid !== temporary,
    );
    agent.send(agent.report());
    const { items } = (await total(1)) as Awaited<ReturnType<typeof total>>;
    expect(items[0]).toMatchObject({ instanceUid: agent.uid, connected: true, group: 'edge' });
  });

  it('after deletion the same uid is a new agent that inherits nothing (X4)', async () => {
    const agent = await lab.agent(edge).connect();
    await total(1);
    const before = await lab.detail(agent.uid);
    await lab.client.labelAgent({ id: before.id, body: { labels: { secret: 'x' } } });
    await lab.client.deleteAgent({ id: before.id });
    agent.send(agent.report());
    const after = await until(
      () => lab.client.listAgents({}),
      ({ items }) => items[0]?.group === 'edge',
    );
    expect(after.items[0]?.id).not.toBe(before.id);
    expect(after.items[0]?.labels).not.toHaveProperty('secret');
  });
});

describe('many agents on one WebSocket (S-050)', () => {
  it('are answered, pushed to and seen off one by one', async () => {
    const agents = Array.from(
      { length: 10 },
      () => new MemoryAgent({ uid: newUuidV7(Date.now(), randomBytes(10)), outcome: applied }),
    );
    const byUid = new Map(agents.map((agent) => [agent.uid as string, agent]));
    const socket = await connectWebSocket(`ws://${lab.server.addresses.opamp}/v1/opamp`, {
      message: (payload) => {
        const message = decodeServerToAgent(payload);
        const agent = byUid.get(uidFromBytes(message.instanceUid));
        for (const answer of agent?.receive(message) ?? []) socket.send(encodeAgentToServer(answer));
      },
    });
    for (const agent of agents) socket.send(encodeAgentToServer(agent.start()));
    await total(10);
    for (const agent of agents) await lab.client.labelAgent({ id: agent.uid, body: { labels: { role: 'edge' } } });
    const push = await lab.push(story());
    await until(
      () => lab.client.getRollout({ id: push.id }),
      ({ state }) => state === 'succeeded',
    );
    for (const agent of agents) expect(agent.offers).toHaveLength(1);
    const [first] = agents;
    if (first !== undefined) socket.send(encodeAgentToServer(first.goodbye()));
    await until(
      () => lab.client.getFleet({}),
      ({ connected }) => connected === 9,
    );
    socket.terminate();
    await until(
      () => lab.client.getFleet({}),
      ({ connected }) => connected === 0,
    );
  });
});

describe('bytes that are no message', () => {
  it('are refused without a uid, the connection stays, and nobody is enrolled (A13, S-259, S-270)', async () => {
    const answers: ServerToAgent[] = [];
    const socket = await connectWebSocket(`ws://${lab.server.addresses.opamp}/v1/opamp`, {
      message: (payload) => answers.push(decodeServerToAgent(payload)),
    });
    const agent = new MemoryAgent({ uid: newUuidV7(Date.now(), randomBytes(10)) });
    socket.send(encodeAgentToServer({ ...agent.start(), instanceUid: new Uint8Array() }));
    socket.send(Uint8Array.of(0, 0xff, 0xff));
    socket.send(encodeAgentToServer(agent.start()));
    await until(
      () => answers.length,
      (count) => count === 3,
    );
    const answered = answers.map(({ instanceUid, errorResponse }) => [instanceUid.length, errorResponse !== undefined]);
    expect(answered).toEqual([
      [0, true],
      [0, true],
      [16, false],
    ]);
    await total(1);
    socket.terminate();
  });
});

describe('what agents may say of themselves', () => {
  it('attributes of every kind, prototype keys among them, are kept and harm nobody (R18, S-098)', async () => {
    const value = (content: object) => ({ value: content as never });
    const agent = await lab
      .agent({
        state: {
          agentDescription: {
            identifyingAttributes: [{ key: '__proto__', value: value({ case: 'stringValue', value: 'x' }) }],
            nonIdentifyingAttributes: [
              { key: 'constructor', value: value({ case: 'boolValue', value: true }) },
              { key: 'big', value: value({ case: 'intValue', value: 2n ** 62n }) },
              { key: 'bytes', value: value({ case: 'bytesValue', value: Uint8Array.of(1, 2) }) },
              {
                key: 'list',
                value: value({
                  case: 'arrayValue',
                  value: { values: [value({ case: 'doubleValue', value: 0.5 })] },
                }),
              },
            ],
          },
        },
      })
      .connect();
    await total(1);
    const detail = await lab.detail(agent.uid);
    expect(detail.nonIdentifyingAttributes).toMatchObject({
      constructor: true,
      big: { int64: String(2n ** 62n) },
      bytes: { bytes: 'AQI=' },
      list: [0.5],
    });
    expect(Object.getOwnPropertyDescriptor(detail.identifyingAttributes, '__proto__')?.value).toBe('x');
    expect(({} as { x?: unknown }).x).toBeUndefined();
    await lab.restart();
    expect((await lab.detail(agent.uid)).nonIdentifyingAttributes).toMatchObject({ constructor: true });
  });
});
