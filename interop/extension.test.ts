// The Collector's opamp extension without a Supervisor: it can be looked at, and takes nothing.
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, inject, test } from 'vitest';
import { Child } from './harness/child.ts';
import { collectorConfig } from './harness/collector-config.ts';
import { freePort, useLab } from './harness/lab.ts';
import { otlpSink } from './harness/otlp.ts';
import { type Server, startServer } from './harness/server.ts';
import { until } from './harness/until.ts';

const lab = useLab();
const uid = randomUUID();
let server: Server;
let collector: Child;

beforeAll(async () => {
  const [primary, otlpPort] = await Promise.all([otlpSink(lab), freePort()]);
  server = await startServer(lab);
  await server.api.createGroup('alone', 'alone');
  const pipelines = collectorConfig({ exporters: { 'otlp/primary': primary } })
    .replace(/\$\{env:OTLP_PORT\}/, String(otlpPort))
    .replace('service:\n', 'service:\n  extensions: [opamp]\n  telemetry: { metrics: { level: none } }\n');
  const extension = `extensions:
  opamp:
    server: { ws: { endpoint: "${server.websocketUrl}", tls: { insecure: true } } }
    instance_uid: ${uid}
    agent_description: { non_identifying_attributes: { role: alone } }
    capabilities: { reports_available_components: true }
`;
  const file = join(lab.directory, 'alone.yaml');
  writeFileSync(file, extension + pipelines);
  collector = new Child(inject('collector'), ['--config', file], join(lab.directory, 'alone.log'));
  lab.onClose(() => collector.end('SIGTERM'));
});

test('its health, components and effective config are shown', async () => {
  const agent = await until('it is connected and healthy', async () => {
    const known = await server.api.agent(uid);
    return known.connected && known.health?.healthy && known.components?.ids && known;
  });
  expect(agent).toMatchObject({ group: 'alone', transport: 'websocket', version: '0.149.0' });
  expect(agent.capabilities).not.toContain('AcceptsRemoteConfig');
  expect(agent.components?.ids?.['exporters']).toContain('otlp');
  expect(await server.api.config(uid, 'effective')).toContain('otlp/primary');
});

test('a push to its group leaves it alone, and says that it cannot be proven there', async () => {
  const started = collector.pid;
  const { rollout } = await server.api.push(
    'alone',
    'receivers: { nop: {} }\nexporters: { nop: {} }\nservice: { pipelines: { traces: { receivers: [nop], exporters: [nop] } } }\n',
    'not for it',
  );
  await sleep(3_000);
  const agent = await server.api.agent(uid);
  expect(agent).toMatchObject({ connected: true, sync: 'unverifiable', ledger: [] });
  expect([collector.running, collector.pid]).toEqual([true, started]);
  expect(await server.api.config(uid, 'effective')).toContain('otlp/primary');
  expect(await server.api.rolloutState(rollout.id)).toBe('paused');
});
