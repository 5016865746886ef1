import { beforeAll, expect, test } from 'vitest';
import { type Edge, startEdge } from './harness/edge.ts';
import { connected, proven } from './harness/expectations.ts';
import { useLab } from './harness/lab.ts';
import { sendSpan } from './harness/otlp.ts';
import type { Server } from './harness/server.ts';
import type { Supervisor } from './harness/supervisor.ts';
import { until } from './harness/until.ts';

/** The Supervisor polls every 30 s; only what it has to say brings it earlier. */
const POLL_MS = 30_000;

const lab = useLab();
let edge: Edge;
let server: Server;
let supervisor: Supervisor;

beforeAll(async () => {
  edge = await startEdge(lab);
  server = edge.server;
  supervisor = await edge.start('polling', { endpoint: server.httpUrl });
});

test('a Supervisor over plain HTTP appears and is proven to run a push after one poll', async () => {
  expect(await connected(server, supervisor)).toMatchObject({ transport: 'http', group: 'polling' });
  const { revision } = await server.api.push('polling', edge.config('polling'), 'one backend');
  const agent = await proven(server, supervisor, revision, POLL_MS + 20_000);
  expect(agent.reported).toMatchObject({ hash: revision.hash, status: 'APPLIED' });
  expect(supervisor.offers()).toEqual([revision.hash]);
  await sendSpan(supervisor.otlpPort, 'polled');
  await until('the span arrived', () => edge.primary.spans.includes('polled'));
});
