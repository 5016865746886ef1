import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { type Edge, startEdge } from './harness/edge.ts';
import { connected, proven } from './harness/expectations.ts';
import { useLab } from './harness/lab.ts';
import { sendSpan } from './harness/otlp.ts';
import type { Server } from './harness/server.ts';
import { APPLY_TIMEOUT_MS, type Supervisor } from './harness/supervisor.ts';
import { until } from './harness/until.ts';

const lab = useLab();
let edge: Edge;
let server: Server;
let supervisor: Supervisor;

beforeAll(async () => {
  edge = await startEdge(lab);
  server = edge.server;
  supervisor = await edge.start('edge');
});

test('killed while nothing happens: nobody notices', async () => {
  const { revision } = await server.api.push('edge', edge.config('first'), 'first');
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
  expect(edge.primary.spans).toContain('no server');
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
  const { revision } = await server.api.push('edge', edge.config(moment), moment);
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
