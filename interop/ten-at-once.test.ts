import { beforeAll, expect, test } from 'vitest';
import { collectorConfig } from './harness/collector-config.ts';
import { connected, proven } from './harness/expectations.ts';
import { useLab } from './harness/lab.ts';
import { type OtlpSink, otlpSink, sendSpan } from './harness/otlp.ts';
import { type Server, startServer } from './harness/server.ts';
import { type Supervisor, startSupervisor } from './harness/supervisor.ts';
import { until } from './harness/until.ts';

const lab = useLab();
let secondary: OtlpSink;
let server: Server;
let supervisors: Supervisor[];

beforeAll(async () => {
  [secondary, server] = await Promise.all([otlpSink(lab), startServer(lab)]);
  await server.api.createGroup('fleet', 'fleet');
  const names = Array.from({ length: 10 }, (_, i) => `fleet-${i}`);
  supervisors = await Promise.all(
    names.map((name) => startSupervisor(lab, { name, role: 'fleet', endpoint: server.websocketUrl })),
  );
  await Promise.all(supervisors.map((supervisor) => connected(server, supervisor)));
});

test('ten Supervisors converge on one push, each with one offer and one restart', async () => {
  const body = collectorConfig({ exporters: { 'otlp/secondary': secondary } });
  const { revision, rollout } = await server.api.push('fleet', body, 'to everybody');
  await until('the rollout succeeded', async () => (await server.api.rolloutState(rollout.id)) === 'succeeded', {
    timeoutMs: 90_000,
  });
  await Promise.all(supervisors.map((supervisor) => proven(server, supervisor, revision)));
  for (const supervisor of supervisors) {
    expect(supervisor.offers()).toEqual([revision.hash]);
    expect(supervisor.collectors()).toHaveLength(2);
    await sendSpan(supervisor.otlpPort, supervisor.name);
  }
  const names = supervisors.map(({ name }) => name).sort();
  await until('a span of each arrived', () => secondary.spans.length >= names.length);
  expect([...secondary.spans].sort()).toEqual(names);
  expect((await server.api.targets(rollout.id)).map(({ state }) => state)).toEqual(names.map(() => 'proven'));
});
