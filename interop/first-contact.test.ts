import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { collectorConfig } from './harness/collector-config.ts';
import { connected } from './harness/expectations.ts';
import { useLab } from './harness/lab.ts';
import { type OtlpSink, otlpSink, sendSpan } from './harness/otlp.ts';
import { type Server, startServer } from './harness/server.ts';
import { type Supervisor, startSupervisor } from './harness/supervisor.ts';
import { until } from './harness/until.ts';

const lab = useLab();
let primary: OtlpSink;
let server: Server;
let supervisor: Supervisor;
let collector: number | undefined;

beforeAll(async () => {
  primary = await otlpSink(lab);
  server = await startServer(lab);
  supervisor = await startSupervisor(lab, {
    name: 'local',
    role: 'local',
    endpoint: server.websocketUrl,
    localConfig: collectorConfig({ exporters: { 'otlp/primary': primary } }),
  });
  collector = supervisor.collectorPid();
});

async function expectUntouched(): Promise<void> {
  await sleep(3_000);
  expect(supervisor.offers()).toEqual([]);
  expect(supervisor.collectors()).toEqual([collector]);
  expect(supervisor.collectorPid()).toBe(collector);
}

test('an agent of no group appears as it is, and is offered nothing', async () => {
  const agent = await connected(server, supervisor);
  expect(agent).toMatchObject({ transport: 'websocket', desired: null, group: null, state: 'unmanaged' });
  expect(agent.capabilities).toEqual(
    expect.arrayContaining(['AcceptsRemoteConfig', 'ReportsRemoteConfig', 'AcceptsRestartCommand']),
  );
  await until('its effective config is its own', async () =>
    (await server.api.config(supervisor.uid, 'effective')).includes('otlp/primary'),
  );
  await expectUntouched();
});

test('a group without a stable revision leaves its agents what they run', async () => {
  await server.api.createGroup('local', 'local');
  await until('it joined the group', async () => (await server.api.agent(supervisor.uid)).group === 'local');
  await expectUntouched();
});

test('a saved revision reaches nobody without a rollout', async () => {
  const body = collectorConfig({ exporters: { 'otlp/primary': primary }, marker: 'saved' });
  await server.api.saveRevision('local', body, 'only saved');
  await expectUntouched();
});

test('its own pipeline has worked all the time', async () => {
  await sendSpan(supervisor.otlpPort, 'own');
  await until('the span arrived', () => primary.spans.includes('own'));
});
