import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { collectorConfig } from './harness/collector-config.ts';
import { type Edge, startEdge } from './harness/edge.ts';
import { connected, ledgerOf, proven } from './harness/expectations.ts';
import { useLab } from './harness/lab.ts';
import { type OtlpSink, otlpSink, sendSpan } from './harness/otlp.ts';
import type { Server } from './harness/server.ts';
import { APPLY_TIMEOUT_MS, type Supervisor } from './harness/supervisor.ts';
import { until } from './harness/until.ts';

const lab = useLab();
let edge: Edge;
let primary: OtlpSink;
let secondary: OtlpSink;
let server: Server;
let supervisor: Supervisor;

beforeAll(async () => {
  [edge, secondary] = await Promise.all([startEdge(lab), otlpSink(lab)]);
  ({ server, primary } = edge);
  supervisor = await edge.start('edge');
});

test('a first push gives the Collector its pipeline', async () => {
  const { revision } = await server.api.push('edge', edge.config('first'), 'one backend');
  await proven(server, supervisor, revision);
  await sendSpan(supervisor.otlpPort, 'before');
  await until('the span arrived', () => primary.spans.includes('before'));
});

test('a second backend is in effect after the push, and not before', async () => {
  const started = Date.now();
  const body = collectorConfig({ exporters: { 'otlp/primary': primary, 'otlp/secondary': secondary } });
  const { revision, rollout } = await server.api.push('edge', body, 'add a second backend');
  const agent = await proven(server, supervisor, revision);

  expect(agent.reported).toMatchObject({ hash: revision.hash, status: 'APPLIED' });
  expect(supervisor.offers().filter((hash) => hash === revision.hash)).toHaveLength(1);
  expect(await server.api.config(supervisor.uid, 'effective')).toContain('otlp/secondary');
  expect(await server.api.config(supervisor.uid, 'desired')).toContain('otlp/secondary');
  await until('the rollout succeeded', async () => (await server.api.rolloutState(rollout.id)) === 'succeeded');

  await sendSpan(supervisor.otlpPort, 'after');
  await until('the span arrived twice', () => [primary, secondary].every((sink) => sink.spans.includes('after')));
  expect(secondary.spans).toEqual(['after']);
  expect(primary.spans).toEqual(['before', 'after']);

  const ledger = ledgerOf(agent, revision);
  expect(ledger).toMatchObject({ phase: 'proven', sends: 1, effective: { verdict: 'confirmed' } });
  const times = [ledger?.offeredAt, ledger?.sentAt, ledger?.applyingAt, ledger?.appliedAt, ledger?.provenAt];
  const instants = times.map((time) => Date.parse(time ?? ''));
  expect(instants).toEqual([...instants].sort((a, b) => a - b));
  expect(instants[0]).toBeGreaterThanOrEqual(started);
  // The Supervisor says APPLIED only when its apply timeout is over.
  expect((instants[3] ?? 0) - (instants[1] ?? 0)).toBeGreaterThanOrEqual(APPLY_TIMEOUT_MS);
});

test('a restart command gives a new Collector process, and no new offer', async () => {
  const offers = supervisor.offers();
  const collectors = supervisor.collectors();
  await server.api.restart(supervisor.uid);
  await until('a new Collector runs', () => supervisor.collectors().length === collectors.length + 1);
  const collector = await until('it lives', () => supervisor.collectorPid());
  expect(collectors).not.toContain(collector);
  await until('it takes spans', () => sendSpan(supervisor.otlpPort, 'restarted').then(() => true));
  await connected(server, supervisor);
  await sleep(2_000);
  expect(await server.api.agent(supervisor.uid)).toMatchObject({ sync: 'in-sync', state: 'in-sync' });
  expect(supervisor.offers()).toEqual(offers);
  expect(supervisor.collectors()).toHaveLength(collectors.length + 1);
});
