// Sites set their Supervisors up in their own ways: what we say of them stays true.
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { collectorConfig } from './harness/collector-config.ts';
import { type Edge, startEdge } from './harness/edge.ts';
import { connected, failed, ledgerOf, proven } from './harness/expectations.ts';
import { useLab } from './harness/lab.ts';
import { otlpSink, sendSpan, stallingSink } from './harness/otlp.ts';
import type { Server } from './harness/server.ts';
import { until } from './harness/until.ts';

const lab = useLab();
let edge: Edge;
let server: Server;
beforeAll(async () => {
  edge = await startEdge(lab);
  server = edge.server;
});

describe.concurrent('use_hup_config_reload', () => {
  test('a push changes what the Collector runs, not the Collector', async () => {
    const supervisor = await edge.start('reloading', { agent: { use_hup_config_reload: true } });
    const collector = supervisor.collectorPid();
    for (const marker of ['first', 'second']) {
      const { revision } = await server.api.push('reloading', edge.config(marker), marker);
      const agent = await proven(server, supervisor, revision);
      expect(ledgerOf(agent, revision)).toMatchObject({ sends: 1, effective: { verdict: 'confirmed' } });
      expect(await server.api.config(supervisor.uid, 'effective')).toContain(`value: ${marker}`);
      await sendSpan(supervisor.otlpPort, `reloaded ${marker}`);
      await until('the span arrived', () => edge.primary.spans.includes(`reloaded ${marker}`));
    }
    expect(supervisor.collectors()).toEqual([collector]);
    expect(supervisor.collectorPid()).toBe(collector);

    // A reload that fails ends the Collector, as a restart would.
    const bad = edge.config('third').replace('timeout: 100ms', 'timeuot: 100ms');
    const { revision } = await server.api.push('reloading', bad, 'a misspelt setting', { onFailure: 'pause' });
    const agent = await failed(server, supervisor, revision);
    expect(agent.reported).toMatchObject({
      hash: revision.hash,
      errorMessage: 'Agent exited unexpectedly with exit code 1 while applying configuration',
    });
    const healed = await server.api.push('reloading', edge.config('fourth'), 'repaired');
    await proven(server, supervisor, healed.revision);
    expect(supervisor.offers().slice(2)).toEqual([revision.hash, healed.revision.hash]);
  });
});

describe.concurrent('validate_config', () => {
  test.each([
    // It asks the Collector again, and refuses again.
    { name: 'on', reported: 'FAILED', reason: 'agent-failed' },
    // It compares texts: the same as before, so it has nothing to do, while its Collector crashes on and on.
    { name: 'off', reported: 'APPLIED', reason: 'effective-mismatch' },
  ])(
    '$name: what a retry of what was refused is answered, $reported, is not taken for proof',
    async ({ name, ...says }) => {
      const agent = { validate_config: name === 'on' };
      const [supervisor] = await edge.startProven(`validate-${name}`, { agent });
      const bad = edge
        .config('bad')
        .replaceAll('otlp/primary', 'otlp/other')
        .replace('timeout: 100ms', 'timeuot: 100ms');
      const overrides = { applyTimeout: '20s', onFailure: 'pause' } as const;
      const { revision } = await server.api.push(supervisor.name, bad, 'refused', overrides);
      const refused = await failed(server, supervisor, revision);
      await server.api.retry(supervisor.uid);
      const after = await until('the retry is judged', async () => {
        const now = await server.api.agent(supervisor.uid);
        expect(now.sync).not.toBe('in-sync');
        const { phase, failedAt } = ledgerOf(now, revision) ?? {};
        return phase === 'failed' && failedAt !== ledgerOf(refused, revision)?.failedAt && now;
      });
      expect(supervisor.offers().slice(1)).toEqual([revision.hash, revision.hash]);
      expect(after.reported?.status).toBe(says.reported);
      expect(ledgerOf(after, revision)).toMatchObject({ reason: says.reason });
    },
  );
});

describe.concurrent('config_files', () => {
  test('below ours: merged with it, and our part of the result is confirmed', async () => {
    const [ours, theirs] = await Promise.all([otlpSink(lab), otlpSink(lab)]);
    const localConfig = collectorConfig({ exporters: { 'otlp/theirs': theirs }, marker: 'local' });
    const supervisor = await edge.start('below', { localConfig });
    // Maps are merged, lists replaced: their receiver and processors, our exporter.
    const body = `exporters:
  otlp/ours:
    endpoint: ${ours.endpoint}
    tls: {insecure: true}
service:
  pipelines:
    traces:
      exporters: [otlp/ours]
`;
    const { revision } = await server.api.push('below', body, 'another backend');
    const agent = await proven(server, supervisor, revision);
    expect(ledgerOf(agent, revision)?.effective).toMatchObject({ verdict: 'confirmed' });
    const effective = await server.api.config(supervisor.uid, 'effective');
    for (const part of ['otlp/ours', 'otlp/theirs', 'value: local']) expect(effective).toContain(part);
    await sendSpan(supervisor.otlpPort, 'merged');
    await until('the span arrived', () => ours.spans.includes('merged'));
    expect(theirs.spans).toEqual([]);
  });

  test('above ours: the Supervisor says APPLIED, and we say that our exporter is not in effect', async () => {
    const localConfig = collectorConfig({ exporters: { 'otlp/enforced': edge.primary } });
    const supervisor = await edge.start('above', { localConfig, isLocalEnforced: true });
    const { revision } = await server.api.push('above', edge.config('ours'), 'overruled', { applyTimeout: '15s' });
    const agent = await failed(server, supervisor, revision);
    expect(agent.reported).toMatchObject({ hash: revision.hash, status: 'APPLIED' });
    expect(ledgerOf(agent, revision)).toMatchObject({
      reason: 'effective-mismatch',
      effective: { verdict: 'contradicted', why: expect.stringContaining('otlp/primary') },
    });
    expect(supervisor.offers()).toEqual([revision.hash]);
  });
});

describe.concurrent('config_apply_timeout', () => {
  test('a Collector that stops slowly uses it up: a false FAILED that outlives the Supervisor, and one retry is the cure', async () => {
    const supervisor = await edge.start('slow');
    const stalling = collectorConfig({ exporters: { 'otlp/stalling': await stallingSink(lab) } });
    // At its end the Collector waits for what it is sending.
    const body = stalling.replace('insecure: true', 'insecure: true\n    timeout: 6s');
    const first = await server.api.push('slow', body, 'to a backend that does not answer');
    await proven(server, supervisor, first.revision);
    await sendSpan(supervisor.otlpPort, 'never answered');
    const { revision } = await server.api.push('slow', edge.config('slow'), 'to one that does', { onFailure: 'pause' });
    const agent = await failed(server, supervisor, revision);
    const reported = { hash: revision.hash, status: 'FAILED', errorMessage: 'Config apply timeout exceeded' };
    expect(agent.reported).toMatchObject(reported);
    await connected(server, supervisor);
    await until('it runs what it says has failed', async () =>
      (await server.api.config(supervisor.uid, 'effective')).includes('value: slow'),
    );
    expect((await server.api.agent(supervisor.uid)).sync).toBe('failed');

    await supervisor.kill('SIGKILL');
    await supervisor.start().ready();
    expect(await connected(server, supervisor)).toMatchObject({ sync: 'failed', reported });
    await sleep(1_000);
    expect(supervisor.offers()).toEqual([first.revision.hash, revision.hash]);
    const collector = supervisor.collectorPid();
    await server.api.retry(supervisor.uid);
    await proven(server, supervisor, revision);
    expect(supervisor.collectorPid()).toBe(collector);
  });
});

describe.concurrent('two pushes within config_apply_timeout', () => {
  test('the second is not lost, and gets the only verdict; the first stays at APPLYING', async () => {
    const supervisor = await edge.start('hasty');
    const first = await server.api.push('hasty', edge.config('one'), 'one');
    await until(
      'it says APPLYING',
      async () => (await server.api.agent(supervisor.uid)).reported?.status === 'APPLYING',
      {
        everyMs: 20,
      },
    );
    const second = await server.api.push('hasty', edge.config('two'), 'two');
    const agent = await proven(server, supervisor, second.revision);
    expect(supervisor.offers()).toEqual([first.revision.hash, second.revision.hash]);
    expect(ledgerOf(agent, first.revision)).toMatchObject({ sends: 1, appliedAt: null, provenAt: null });
    expect(ledgerOf(agent, second.revision)).toMatchObject({ phase: 'proven', sends: 1 });
    expect(await server.api.config(supervisor.uid, 'effective')).toContain('value: two');
    const states = await Promise.all([first, second].map(({ rollout }) => server.api.rolloutState(rollout.id)));
    expect(states).toEqual(['superseded', 'succeeded']);
    expect(await server.api.targets(first.rollout.id)).toMatchObject([{ state: 'applying', provenAt: null }]);
  });
});

describe.concurrent('an effective config over 1 MiB', () => {
  test('is kept by digest and size; the agent is proven by everything else, and that is said', async () => {
    const supervisor = await edge.start('large', { env: { LARGE: 'x'.repeat(100_000) } });
    const keys = Array.from({ length: 12 }, (_, i) => `      - {key: k${i}, value: "\${env:LARGE}", action: upsert}`);
    const body = edge.config('large').replace('    attributes:\n', `    attributes:\n${keys.join('\n')}\n`);
    const { revision } = await server.api.push('large', body, 'large');
    const agent = await proven(server, supervisor, revision);
    expect(ledgerOf(agent, revision)?.effective).toMatchObject({
      verdict: 'inconclusive',
      why: 'the text is over the limit',
    });
    const [file] = await server.api.files(supervisor.uid, 'effective');
    expect(file).toMatchObject({ name: '', body: null });
    expect(file?.bytes).toBeGreaterThan(1_200_000);
    expect(supervisor.offers()).toEqual([revision.hash]);
  });
});
