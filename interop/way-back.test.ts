import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { collectorConfig } from './harness/collector-config.ts';
import { startEdge } from './harness/edge.ts';
import { connected, proven } from './harness/expectations.ts';
import { useLab } from './harness/lab.ts';
import { otlpSink } from './harness/otlp.ts';
import { until } from './harness/until.ts';

const lab = useLab();

/** What the real thing does with I13: a configuration lies in the connection of a host that hangs. */
test('a Supervisor that hangs is not called back before it has come to what was sent to it', async () => {
  const [edge, secondary] = await Promise.all([startEdge(lab), otlpSink(lab)]);
  const { server, primary } = edge;
  const supervisor = await edge.start('edge');
  const good = await server.api.push('edge', edge.config('first'), 'one backend');
  await proven(server, supervisor, good.revision);
  await until('it is stable', async () => (await server.api.rolloutState(good.rollout.id)) === 'succeeded');

  supervisor.signal('SIGSTOP');
  onTestFinished(() => supervisor.signal('SIGCONT'));
  const body = collectorConfig({ exporters: { 'otlp/primary': primary, 'otlp/secondary': secondary } });
  const bad = await server.api.push('edge', body, 'never answered', { applyTimeout: '6s', maxFailed: 0 });
  const isOrderedBack = async () => {
    const [entry] = (await server.api.agent(supervisor.uid)).ledger;
    return entry?.source.kind === 'rollback' && entry;
  };
  const entry = await until('it is ordered back', isOrderedBack, { timeoutMs: 30_000 });
  // It last said that it runs the good one, and that is not believed.
  expect(entry).toMatchObject({ phase: 'offered', revision: { hash: good.revision.hash } });
  await sleep(1_000);
  expect(await server.api.rolloutState(bad.rollout.id)).toBe('rolling-back');

  supervisor.signal('SIGCONT');
  await until('it is back', async () => (await server.api.rolloutState(bad.rollout.id)) === 'rolled-back', {
    timeoutMs: 60_000,
  });
  const agent = await connected(server, supervisor);
  expect(agent).toMatchObject({
    sync: 'in-sync',
    reported: { hash: good.revision.hash, status: 'APPLIED' },
    refused: [],
  });
  expect(supervisor.persisted()).toEqual({ hash: good.revision.hash, status: 'APPLIED' });
  // It took the bad one when it went on, and only then the good one again.
  expect(supervisor.offers()).toEqual([good, bad, good].map(({ revision }) => revision.hash));
  expect(await server.api.config(supervisor.uid, 'effective')).not.toContain('otlp/secondary');
});
