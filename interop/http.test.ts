import { beforeAll, expect, test } from 'vitest';
import { collectorConfig } from './harness/collector-config.ts';
import { connected, proven } from './harness/expectations.ts';
import { useLab } from './harness/lab.ts';
import { type OtlpSink, otlpSink, sendSpan } from './harness/otlp.ts';
import { type Server, startServer } from './harness/server.ts';
import { type Supervisor, startSupervisor } from './harness/supervisor.ts';
import { until } from './harness/until.ts';

/** The Supervisor polls every 30 s; only what it has to say brings it earlier. */
const POLL_MS = 30_000;

const lab = useLab();
let primary: OtlpSink;
let server: Server;
let supervisor: Supervisor;

beforeAll(async () => {
  [primary, server] = await Promise.all([otlpSink(lab), startServer(lab)]);
  await server.api.createGroup('polling', 'polling');
  supervisor = await startSupervisor(lab, { name: 'polling', role: 'polling', endpoint: server.httpUrl });
});

test('a Supervisor over plain HTTP appears and is proven to run a push after one poll', async () => {
  expect(await connected(server, supervisor)).toMatchObject({ transport: 'http', group: 'polling' });
  const body = collectorConfig({ exporters: { 'otlp/primary': primary } });
  const { revision } = await server.api.push('polling', body, 'one backend');
  const agent = await proven(server, supervisor, revision, POLL_MS + 20_000);
  expect(agent.reported).toMatchObject({ hash: revision.hash, status: 'APPLIED' });
  expect(supervisor.offers()).toEqual([revision.hash]);
  await sendSpan(supervisor.otlpPort, 'polled');
  await until('the span arrived', () => primary.spans.includes('polled'));
});
