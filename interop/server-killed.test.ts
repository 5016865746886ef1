import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { collectorConfig } from './harness/collector-config.ts';
import { connected, proven } from './harness/expectations.ts';
import { useLab } from './harness/lab.ts';
import { type OtlpSink, otlpSink, sendSpan } from './harness/otlp.ts';
import { type Server, startServer } from './harness/server.ts';
import { APPLY_TIMEOUT_MS, type Supervisor, startSupervisor } from './harness/supervisor.ts';
import { until } from './harness/until.ts';

const lab = useLab();
let primary: OtlpSink;
let server: Server;
let supervisor: Supervisor;

const config = (marker: string): string => collectorConfig({ exporters: { 'otlp/primary': primary }, marker });

beforeAll(async () => {
  [primary, server] = await Promise.all([otlpSink(lab), startServer(lab)]);
  await server.api.createGroup('edge', 'edge');
  supervisor = await startSupervisor(lab, { name: 'edge', role: 'edge', endpoint: server.websocketUrl });
  await connected(server, supervisor);
});

test('killed while nothing happens: nobody notices', async () => {
  const { revision } = await server.api.push('edge', config('first'), 'first');
  await proven(server, supervisor, revision);
  const collector = supervisor.collectorPid();
  const before = { offers: supervisor.offers(), collectors: supervisor.collectors() };

  await server.kill();
  await sendSpan(supervisor.otlpPort, 'no server');
  await server.start();
  const agent = await connected(server, supervisor);
  expect(agent).toMatchObject({ state: 'in-sync', reported: { hash: revision.hash, status: 'APPLIED' } });
  await sleep(APPLY_TIMEOUT_MS + 1_000);

  expect({ offers: supervisor.offers(), collectors: supervisor.collectors() }).toEqual(before);
  expect(supervisor.collectorPid()).toBe(collector);
  expect(primary.spans).toContain('no server');
});

const received = (hash: string) => () => supervisor.offers().includes(hash);
const says = (status: string) => (hash: string) => () => {
  const persisted = supervisor.persisted();
  return persisted.hash === hash && persisted.status === status;
};

test.each([
  { moment: 'when the rollout was accepted', at: () => () => true, awayMs: 0 },
  { moment: 'when the offer arrived', at: received, awayMs: 0 },
  {
    moment: 'when the offer arrived, and away until after the verdict',
    at: received,
    awayMs: APPLY_TIMEOUT_MS + 1_500,
  },
  { moment: 'when the agent says APPLYING', at: says('APPLYING'), awayMs: 1_000 },
  { moment: 'when the agent says APPLIED', at: says('APPLIED'), awayMs: 0 },
])('killed $moment: it converges with one offer and one restart', async ({ moment, at, awayMs }) => {
  const collectors = supervisor.collectors();
  const { revision } = await server.api.push('edge', config(moment), moment);
  await until('the moment to kill', at(revision.hash), { everyMs: 5 });
  await server.kill();
  await sleep(awayMs);
  await server.start();

  await proven(server, supervisor, revision);
  await sleep(1_000);
  expect(supervisor.offers().filter((hash) => hash === revision.hash)).toHaveLength(1);
  expect(supervisor.collectors()).toHaveLength(collectors.length + 1);
  expect(supervisor.collectorPid()).toBe(supervisor.collectors().at(-1));
  expect(await server.api.agent(supervisor.uid)).toMatchObject({ state: 'in-sync', connected: true });
});
