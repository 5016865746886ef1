/** What every agent may count on when it speaks, whatever it says. */
import { AgentCapabilities as Bits, ServerCapabilities, ServerToAgentFlags } from '@flaghoist/opamp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectWebSocket } from '../../../opamp/test/client.ts';
import { edge, Lab, story, until } from '../lab.ts';
import { peer, TRANSPORTS } from './peer.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.start();
});
afterEach(() => lab[Symbol.asyncDispose]());

/** The fields that are set. */
const said = (message: object): string[] =>
  Object.entries(message)
    .filter(([name, value]) => !name.startsWith('$') && value !== undefined && value !== 0n)
    .filter(([, value]) => !(value instanceof Uint8Array) || value.length > 0)
    .map(([name]) => name)
    .sort();

describe.each(TRANSPORTS)('over %s, which may be all that an agent knows (S-006)', (transport) => {
  it('each message gets one answer, without an error, to its uid: S-047, S-048, S-049, S-052, S-159', async () => {
    await using one = await peer(lab, transport);
    await one.talk(one.agent.start());
    const before = one.heard.length;
    for (let beats = 0; beats < 10; beats += 1) {
      const answer = await one.say(one.agent.report());
      expect(said(answer)).toEqual(['capabilities', 'instanceUid']);
      expect(Buffer.from(answer.instanceUid).toString('hex')).toBe(one.agent.uid);
    }
    expect(one.heard).toHaveLength(before + 10);
  });

  it('says in every answer what the server does, and nothing else: S-063, S-065, S-066, S-067, S-114', async () => {
    await using one = await peer(lab, transport);
    const answers = [...(await one.talk(one.agent.start())), await one.say(one.agent.report())];
    for (const { capabilities } of answers) {
      expect(Number(capabilities)).toBe(
        ServerCapabilities.ServerCapabilities_AcceptsStatus |
          ServerCapabilities.ServerCapabilities_OffersRemoteConfig |
          ServerCapabilities.ServerCapabilities_AcceptsEffectiveConfig,
      );
    }
  });

  it('what the server does not do is heard without an error and gets nothing: S-184, S-185, S-237', async () => {
    await using one = await peer(lab, transport);
    await one.talk(one.agent.start());
    const data = Uint8Array.of(0xff, 0);
    for (const content of [
      { connectionSettingsRequest: {} },
      { connectionSettingsRequest: { opamp: { certificateRequest: { csr: data } } } },
      { customCapabilities: { capabilities: ['org.example.unheard'] } },
      { customMessage: { capability: 'org.example.unheard', type: 'x', data } },
    ]) {
      expect(said(await one.say(one.agent.report(content)))).toEqual(['capabilities', 'instanceUid']);
    }
  });

  it('a heartbeat is any message, also the uid alone: S-156', async () => {
    await using one = await peer(lab, transport);
    await one.talk(one.agent.start());
    const before = await lab.detail(one.agent.uid);
    expect(said(await one.say({ ...one.agent.report(), sequenceNum: 0n, capabilities: 0n }))).toEqual([
      'capabilities',
      'instanceUid',
    ]);
    const after = await lab.detail(one.agent.uid);
    expect(Date.parse(after.lastSeen ?? '')).toBeGreaterThanOrEqual(Date.parse(before.lastSeen ?? ''));
    expect(after.connected).toBe(true);
  });

  it('what is said again is no news, and never an offer or a question: S-059, S-093, S-119', async () => {
    await using one = await peer(lab, transport, edge);
    await lab.edge();
    await one.talk(one.agent.start());
    await lab.push(story());
    const { lastSeen: _, ...before } = await until(
      () => one.talk(one.agent.report()).then(() => lab.detail(one.agent.uid)),
      ({ sync }) => sync === 'in-sync',
    );
    const timeline = await lab.client.getAgentTimeline({ id: one.agent.uid });
    const count = one.heard.length;
    for (let times = 0; times < 10; times += 1) await one.talk(one.agent.fullState());
    expect(one.heard.slice(count).map(said)).toEqual(Array(10).fill(['capabilities', 'instanceUid']));
    expect(await lab.detail(one.agent.uid)).toMatchObject(before);
    expect(await lab.client.getAgentTimeline({ id: one.agent.uid })).toEqual(timeline);
  });

  it('a goodbye counts at once: S-045, S-252', async () => {
    await using one = await peer(lab, transport);
    await one.talk(one.agent.start());
    expect(await lab.detail(one.agent.uid)).toMatchObject({ connected: true });
    await one.say(one.agent.goodbye());
    expect(await lab.detail(one.agent.uid)).toMatchObject({ connected: false, version: null });
  });

  it('nobody who sends what is right is told BAD_REQUEST, whatever happens: S-262', async () => {
    await lab.edge();
    await using one = await peer(lab, transport, edge);
    await one.talk({ ...one.agent.start(), flags: 1n });
    await lab.push(story());
    await one.talk(one.agent.report());
    one.agent.sequence += 7n;
    await one.talk(one.agent.report());
    one.agent.sequence = 3n;
    await one.talk(one.agent.report());
    await one.talk(one.agent.start());
    await one.say(one.agent.goodbye());
    expect(one.heard.filter(({ errorResponse }) => errorResponse !== undefined)).toEqual([]);
  });

  it('bits that may change do, and what is not announced is not awaited: S-069, S-073, S-074, S-075', async () => {
    await using one = await peer(lab, transport);
    one.agent.capabilities = Bits.AgentCapabilities_ReportsStatus;
    one.agent.state = { agentDescription: one.agent.state.agentDescription };
    const answers = [...(await one.talk(one.agent.start())), await one.say(one.agent.report())];
    const full = BigInt(ServerToAgentFlags.ServerToAgentFlags_ReportFullState);
    expect(answers.filter(({ flags }) => (flags & full) !== 0n)).toEqual([]);
    expect(await lab.detail(one.agent.uid)).toMatchObject({ capabilities: ['ReportsStatus'], health: null });
    one.agent.capabilities |= Bits.AgentCapabilities_ReportsHealth;
    await one.talk(one.agent.change({ health: { healthy: true } }));
    const { capabilities, health } = await lab.detail(one.agent.uid);
    expect([capabilities, health?.healthy]).toEqual([['ReportsStatus', 'ReportsHealth'], true]);
  });
});

it('a report over one connection and a poll over another are one agent: S-037', async () => {
  await using one = await peer(lab, 'http');
  await one.talk(one.agent.start());
  const { id } = await lab.detail(one.agent.uid);
  await one.say(one.agent.report({ health: { healthy: false, lastError: 'over another connection' } }));
  expect(await lab.detail(one.agent.uid)).toMatchObject({
    id,
    connected: true,
    health: { healthy: false, lastError: 'over another connection' },
  });
});

it('a connection on which nobody speaks is no agent: S-057', async () => {
  const socket = await connectWebSocket(`ws://${lab.server.addresses.opamp}/v1/opamp`, {
    message: () => {},
    closed: () => {},
  });
  await using one = await peer(lab, 'websocket');
  await one.talk(one.agent.start());
  expect((await lab.client.listAgents({})).total).toBe(1);
  socket.terminate();
});
