// Other people's OpAMP clients: nobody on either side read the other's code.
import { beforeAll, describe, expect, test } from 'vitest';
import { type Client, GATEWAYS, startGateway, startNode, startPython } from './harness/clients.ts';
import { useLab } from './harness/lab.ts';
import { type Server, startServer } from './harness/server.ts';
import { until } from './harness/until.ts';

const lab = useLab();
let server: Server;
beforeAll(async () => {
  server = await startServer(lab);
});

const config = (exporter: string): string => `receivers: { otlp: {} }
exporters: { ${exporter}: {} }
service: { pipelines: { traces: { receivers: [otlp], exporters: [${exporter}] } } }
`;

describe.each([
  ['OpenTelemetry Python', 'python', startPython, 'the Python agent refuses this'],
  ['Elastic Node', 'node', startNode, 'the Node agent refuses this'],
] as const)('%s, over HTTP', (_name, role, start, refusal) => {
  let client: Client;
  const agent = async () => {
    const [one] = await server.api.agents(role);
    return one && server.api.agent(one.instanceUid);
  };

  beforeAll(async () => {
    await server.api.createGroup(role, role);
    client = start(lab, server.httpUrl, role);
    await until('it appears', async () => (await agent())?.connected);
  });

  test('is proven to run what was pushed, offered once', async () => {
    const { revision, rollout } = await server.api.push(role, config('debug'), 'first');
    await until('it runs it', async () => (await agent())?.sync === 'in-sync');
    expect(await agent()).toMatchObject({ transport: 'http', reported: { hash: revision.hash, status: 'APPLIED' } });
    expect(client.offers()).toEqual([revision.hash]);
    await until('the rollout ends', async () => (await server.api.rolloutState(rollout.id)) === 'succeeded');
  });

  test('refuses in its own words, and is not asked again', async () => {
    const before = client.offers();
    const { revision } = await server.api.push(role, `${config('debug')}# refuse-me\n`, 'it will not like this', {
      onFailure: 'pause',
    });
    await until('it refused', async () => (await agent())?.sync === 'failed');
    expect((await agent())?.reported).toMatchObject({ status: 'FAILED', errorMessage: refusal, hash: revision.hash });
    const healed = await server.api.push(role, config('nop'), 'better');
    await until('it runs the better one', async () => (await agent())?.sync === 'in-sync');
    expect(client.offers()).toEqual([...before, revision.hash, healed.revision.hash]);
  });

  test('is known again, and offered nothing, after the server was killed', async () => {
    const before = client.offers();
    const known = await agent();
    await server.kill();
    await server.start();
    await until('it is back', async () => (await agent())?.connected);
    await until('it polled a few times', async () => {
      const now = await agent();
      return now?.lastSeen && known?.lastSeen && Date.parse(now.lastSeen) > Date.parse(known.lastSeen) + 4_000;
    });
    expect(await agent()).toMatchObject({ id: known?.id, sync: 'in-sync' });
    expect(client.offers()).toEqual(before);
  });
});

describe.each(GATEWAYS)('50 agents on one WebSocket, in the messages of opamp-go %s', (version) => {
  const role = `gateway-${version.replaceAll('.', '-')}`;

  test('are 50 agents: each gets the push once, and all are gone with the connection: S-050, S-253', async () => {
    await server.api.createGroup(role, role);
    const client = startGateway(lab, version, server.websocketUrl, role, 50);
    const inSync = async () => (await server.api.agents(role)).filter(({ sync }) => sync === 'in-sync');
    await until('all are connected', async () => (await server.api.agents(role)).length === 50);
    const { revision, rollout } = await server.api.push(role, config('debug'), 'to all behind it');
    await until('all are proven', async () => (await inSync()).length === 50);
    const offers = client.events().filter(({ offer }) => offer !== undefined);
    expect(offers.every(({ offer }) => offer === revision.hash)).toBe(true);
    expect(new Set(offers.map(({ uid }) => uid)).size).toBe(50);
    expect(offers).toHaveLength(50);
    await until('the rollout ends', async () => (await server.api.rolloutState(rollout.id)) === 'succeeded');
    await client.end();
    await until('all are gone', async () => (await server.api.agents(role)).every(({ connected }) => !connected));
  });
});
