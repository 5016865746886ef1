/** What agents say of themselves, and what is kept and shown of it. */
import { AgentCapabilities as Bits, ServerToAgentFlags } from '@flaghoist/opamp';
import type { AgentState } from '@flaghoist/opamp/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { edge, Lab, until } from '../lab.ts';
import { peer } from './peer.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.start();
});
afterEach(() => lab[Symbol.asyncDispose]());

const attribute = (key: string, value: string) => ({ key, value: { value: { case: 'stringValue' as const, value } } });
const described = (identifying: Record<string, string>, other: Record<string, string> = {}) => ({
  identifyingAttributes: Object.entries(identifying).map(([key, value]) => attribute(key, value)),
  nonIdentifyingAttributes: Object.entries(other).map(([key, value]) => attribute(key, value)),
});
const bytes = (text: string) => new TextEncoder().encode(text);

/** An agent that has said this, and what the API shows of it. */
async function shown(state: AgentState, options = {}) {
  await using one = await peer(lab, 'websocket', { ...options, state });
  await one.talk(one.agent.start());
  return await lab.detail(one.agent.uid);
}

describe('one message', () => {
  it('may hold all parts at once, and each is taken in: S-056', async () => {
    const agent = await shown({
      agentDescription: described({ 'service.name': 'otelcol', 'service.version': '0.149.0' }, { role: 'edge' }),
      health: { healthy: true, status: 'StatusOK' },
      effectiveConfig: { configMap: { configMap: { '': { body: bytes('receivers: {}'), contentType: 'text/yaml' } } } },
      remoteConfigStatus: { lastRemoteConfigHash: bytes('h'), status: 3, errorMessage: 'no such thing' },
      packageStatuses: { serverProvidedAllPackagesHash: bytes('p') },
      customCapabilities: { capabilities: ['org.example.one'] },
      availableComponents: { hash: bytes('c'), components: { receivers: { subComponentMap: { otlp: {} } } } },
    });
    expect(agent).toMatchObject({
      version: '0.149.0',
      labels: { role: 'edge', 'service.name': 'otelcol' },
      health: { healthy: true, status: 'StatusOK' },
      reported: { hash: '68', status: 'FAILED', errorMessage: 'no such thing' },
      connected: true,
    });
    expect(agent.effective?.digest).toBeTruthy();
  });

  it('says nothing of what it leaves out: S-091, S-125', async () => {
    await using one = await peer(lab, 'websocket', edge);
    await one.talk(one.agent.start());
    const { health: _, lastSeen: __, healthTree: ___, ...before } = await lab.detail(one.agent.uid);
    await one.talk(one.agent.change({ health: { healthy: false, lastError: 'full' } }));
    const after = await until(
      () => lab.detail(one.agent.uid),
      ({ health }) => health?.healthy === false,
    );
    expect({ ...after, state: before.state, reason: before.reason, sync: before.sync }).toMatchObject(before);
  });
});

describe('descriptions', () => {
  it('with unusual or no identifying attributes are as good: the name is the uid then: S-099', async () => {
    const agent = await shown({ agentDescription: described({}, { 'x.y': 'z' }) });
    expect([agent.name, agent.labels['x.y']]).toEqual([agent.instanceUid, 'z']);
  });

  it.each([['service.namespace'], ['service.namespace.name']])(
    'of a Collector and of an SDK name it and serve selection, with %s: S-100, S-101',
    async (key) => {
      const identifying = { 'service.name': 'shop', [key]: 'prod', 'service.instance.id': 'i-1' };
      const agent = await shown({
        agentDescription: described(identifying, { 'os.type': 'linux', 'host.name': 'n1' }),
      });
      for (const selector of [`${key}=prod`, 'os.type=linux,host.name=n1', 'service.instance.id=i-1']) {
        const { items } = await lab.client.listAgents({ selector });
        expect(items.map(({ id }) => id)).toEqual([agent.id]);
      }
    },
  );

  it('the same one under another uid is another agent: S-078', async () => {
    const one = await shown({ agentDescription: described({ 'service.instance.id': 'i-1' }) });
    const other = await shown({ agentDescription: described({ 'service.instance.id': 'i-1' }) });
    expect(other.id).not.toBe(one.id);
    expect((await lab.client.listAgents({})).total).toBe(2);
  });
});

describe('health', () => {
  it('is not whether the connection lives: S-008', async () => {
    await using one = await peer(lab, 'websocket', { state: { health: { healthy: false } } });
    await one.talk(one.agent.start());
    expect(await lab.detail(one.agent.uid)).toMatchObject({ connected: true, health: { healthy: false } });
  });

  it.each<[string, NonNullable<AgentState['health']>]>([
    ['unhealthy without a text', { healthy: false, lastError: '' }],
    ['healthy but not started', { healthy: true, startTimeUnixNano: 0n }],
    ['a status of its own', { healthy: true, status: 'blah' }],
    ['times of 64 bits', { healthy: true, startTimeUnixNano: 1_234_567_890_123_456_789n }],
  ])('is kept as it is: %s: S-103, S-104, S-105', async (_, health) => {
    const { healthTree } = await shown({ health });
    expect(healthTree).toMatchObject({
      healthy: health.healthy,
      status: health.status ?? '',
      lastError: '',
      startTimeUnixNano: String(health.startTimeUnixNano ?? 0n),
    });
  });

  it('has attributes, also below: S-107', async () => {
    const attributes = [attribute('why', 'queue')];
    const { healthTree } = await shown({
      health: { healthy: true, attributes, componentHealthMap: { 'exporter:otlp': { healthy: false, attributes } } },
    });
    expect(healthTree).toMatchObject({
      attributes: { why: 'queue' },
      components: { 'exporter:otlp': { healthy: false, attributes: { why: 'queue' } } },
    });
  });

  it('is unknown, not bad, of an agent that does not report it: S-108', async () => {
    const capabilities = Bits.AgentCapabilities_ReportsStatus;
    const agent = await shown({ health: undefined }, { capabilities });
    expect([agent.health, agent.sync]).toEqual([null, 'unmanaged']);
  });
});

describe('effective configs', () => {
  it('are shown file by file with the content type they came with: S-109, S-111, S-112', async () => {
    const { id } = await shown({
      effectiveConfig: {
        configMap: {
          configMap: {
            'b.toml': { body: bytes('a = 1\r\n'), contentType: 'application/x-unheard-of' },
            '': { body: bytes('ä: 1'), contentType: '' },
          },
        },
      },
    });
    const { files } = await lab.client.getAgentConfig({ id, view: 'effective' });
    expect(files.map(({ name, body, contentType }) => [name, body, contentType]).sort()).toEqual([
      ['', 'ä: 1', ''],
      ['b.toml', 'a = 1\r\n', 'application/x-unheard-of'],
    ]);
  });
});

describe('what is not UTF-8', () => {
  const latin1 = Uint8Array.of(0x61, 0x3a, 0x20, 0xe4, 0x0a);

  it('keeps every byte, through a report and a restart: S-109, S-129', async () => {
    const bodies = { broken: latin1, mark: bytes('\ufeffa: 1\n'), nul: Uint8Array.of(0, 1, 2) };
    const entries = Object.entries(bodies).map(([name, body]) => [name, { body, contentType: `x/${name}` }]);
    const { id } = await shown({ effectiveConfig: { configMap: { configMap: Object.fromEntries(entries) } } });
    const asSent = {
      broken: { contentType: 'x/broken', encoding: 'base64', body: 'YTog5Ao=', bytes: 5 },
      mark: { contentType: 'x/mark', body: '\ufeffa: 1\n', bytes: 8 },
      nul: { contentType: 'x/nul', body: '\0\u0001\u0002', bytes: 3 },
    };
    const files = async () => {
      const config = await lab.client.getAgentConfig({ id, view: 'effective' });
      return Object.fromEntries(config.files.map(({ name, ...file }) => [name, file]));
    };
    expect(await files()).toEqual(asSent);
    expect(Buffer.from('YTog5Ao=', 'base64')).toEqual(Buffer.from(latin1));
    await lab.restart();
    expect(await files()).toEqual(asSent);
  });
});

describe('components', () => {
  const hash = bytes('components');
  const asks = (answers: readonly { flags: bigint }[]): boolean =>
    answers.some(
      ({ flags }) => (flags & BigInt(ServerToAgentFlags.ServerToAgentFlags_ReportAvailableComponents)) !== 0n,
    );
  const components = {
    receivers: {
      metadata: [attribute('code.namespace', 'x')],
      subComponentMap: { hostmetrics: { subComponentMap: { cpu: { metadata: [attribute('free', 'text')] } } } },
    },
  };
  const state = (name: string) => ({
    agentDescription: described({ 'service.name': name }),
    availableComponents: { hash, components },
  });

  it('come by their hash, are asked for once, and nest: S-240, S-243, S-247, S-249, S-250', async () => {
    await using one = await peer(lab, 'websocket', { state: state('otelcol') });
    expect(asks(await one.talk(one.agent.start()))).toBe(true);
    await until(
      () => lab.detail(one.agent.uid),
      ({ components }) => components !== null,
    );
    expect(asks(await one.talk(one.agent.report()))).toBe(false);
    expect(await lab.detail(one.agent.uid)).toMatchObject({ components: { ids: { receivers: ['hostmetrics'] } } });
  });

  it('are known of the next agent of that kind, and not of another kind: S-244, S-245', async () => {
    await using first = await peer(lab, 'websocket', { state: state('otelcol') });
    await first.talk(first.agent.start());
    await using alike = await peer(lab, 'websocket', { state: state('otelcol') });
    expect(asks(await alike.talk(alike.agent.start()))).toBe(false);
    await using unlike = await peer(lab, 'websocket', { state: state('another') });
    expect(asks(await unlike.talk(unlike.agent.start()))).toBe(true);
  });

  it('may come unasked, without a hash, or without the capability; no error: S-241, S-242, S-248', async () => {
    await using one = await peer(lab, 'websocket', { capabilities: Bits.AgentCapabilities_ReportsStatus });
    for (const availableComponents of [{ hash, components }, { hash: new Uint8Array(), components }, { hash }]) {
      const answers = await one.talk({ ...one.agent.start(), ...one.agent.report({ availableComponents }) });
      expect(answers.map(({ errorResponse }) => errorResponse)).toEqual(answers.map(() => undefined));
      expect(asks(answers)).toBe(false);
    }
  });
});
