// What gives an agent back to its own files (A.7, first rollout): of what a server can say, one thing alone.
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { checkText } from '@flaghoist/fleet';
import { expect, test } from 'vitest';
import { collectorConfig } from './harness/collector-config.ts';
import { useLab } from './harness/lab.ts';
import { type LawlessServer, lawlessServer } from './harness/lawless-server.ts';
import { otlpSink, sendSpan } from './harness/otlp.ts';
import { startSupervisor } from './harness/supervisor.ts';
import { until } from './harness/until.ts';

const lab = useLab();

const effective = (server: LawlessServer): string =>
  Buffer.from(server.latest('effectiveConfig')?.configMap?.configMap['']?.body ?? '').toString();

test('an entry without text, or its storage deleted on the host, and nothing else', async () => {
  const [server, theirs, ours] = await Promise.all([lawlessServer(lab), otlpSink(lab), otlpSink(lab)]);
  const localConfig = collectorConfig({ exporters: { 'otlp/theirs': theirs }, marker: 'local' });
  const remote = (marker: string) => collectorConfig({ exporters: { 'otlp/ours': ours }, marker });
  const supervisor = await startSupervisor(lab, { name: 'own', role: 'own', endpoint: server.url('ws'), localConfig });
  await until('it is healthy', () => server.latest('health')?.healthy);

  const offer = async (text: string): Promise<void> => {
    const since = server.heard.length;
    const hash = server.offer(text);
    const isVerdict = (each: { hash: string; status: string | undefined }) =>
      each.hash === hash && each.status === 'APPLIED';
    await until('it is APPLIED', () => server.statuses(since).some(isVerdict));
  };
  const runs = async (marker: string, others: string): Promise<void> => {
    await until(`it runs ${marker}`, () => effective(server).includes(`value: ${marker}`));
    expect(effective(server)).not.toContain(`value: ${others}`);
    const span = randomUUID();
    await until('it takes a span', () => sendSpan(supervisor.otlpPort, span).then(() => true));
    const sink = marker === 'local' ? theirs : ours;
    await until('the span arrived', () => sink.spans.includes(span));
  };

  await runs('local', 'remote');
  await offer(remote('first'));
  await runs('first', 'local');

  for (const nothing of ['', '# nothing\n']) {
    await offer(nothing);
    await runs('local', 'first');
    expect(server.latest('health')?.healthy).toBe(true);
    await offer(remote('first'));
    await runs('first', 'local');
  }
  // Ours are not saved like that: to an agent without files of its own it is a Collector without a pipeline.
  for (const nothing of ['', '# nothing\n', '{}'])
    expect(checkText({ '': { body: nothing, contentType: 'text/yaml' } })).not.toEqual([]);

  // A restart is no way back: it keeps to what it was sent.
  await supervisor.kill('SIGKILL');
  await supervisor.start().ready();
  await runs('first', 'local');
  await supervisor.kill('SIGKILL');
  rmSync(join(supervisor.directory, 'storage/last_recv_remote_config.dat'));
  const before = server.heard.length;
  await supervisor.start().ready();
  await runs('local', 'first');
  // It goes on saying APPLIED of what it does not run: the effective config alone tells.
  expect(server.statuses(before).map(({ status }) => status)).toEqual(['APPLIED']);
});
