// The Supervisor dies and comes back: what it reports then, and that nobody is offered or restarted without need.
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Edge, startEdge } from './harness/edge.ts';
import { connected, failed, ledgerOf, proven } from './harness/expectations.ts';
import { useLab } from './harness/lab.ts';
import { sendSpan } from './harness/otlp.ts';
import { killIfAlive } from './harness/processes.ts';
import type { Server } from './harness/server.ts';
import type { Supervisor } from './harness/supervisor.ts';
import { until } from './harness/until.ts';

const lab = useLab();
let edge: Edge;
let server: Server;
beforeAll(async () => {
  edge = await startEdge(lab);
  server = edge.server;
});

const agentOf = ({ uid }: Supervisor) => server.api.agent(uid);
const gone = (supervisor: Supervisor) =>
  until('the server notices', async () => !(await agentOf(supervisor)).connected);

async function passesSpan({ otlpPort }: Supervisor, span: string): Promise<void> {
  await until('the Collector takes a span', () => sendSpan(otlpPort, span).then(() => true));
  await until('the span arrived', () => edge.primary.spans.includes(span));
}

describe.concurrent('a Supervisor that was killed', () => {
  test.each(['SIGKILL', 'SIGTERM'] as const)(
    'by %s is the agent it was: no offer, one new Collector',
    async (signal) => {
      const [supervisor, { revision, rollout }] = await edge.startProven(signal.toLowerCase());
      const { uid } = supervisor;
      const before = await agentOf(supervisor);
      const collectors = supervisor.collectors();
      await supervisor.kill(signal);
      await gone(supervisor);
      await supervisor.start().ready();
      const agent = await connected(server, supervisor);
      await sleep(2_000);
      expect(supervisor.uid).toBe(uid);
      const reported = { hash: revision.hash, status: 'APPLIED' };
      expect(agent).toMatchObject({ id: before.id, sync: 'in-sync', reported });
      const { provenAt } = ledgerOf(before, revision) ?? {};
      expect(ledgerOf(agent, revision)).toMatchObject({ phase: 'proven', sends: 1, provenAt });
      expect(supervisor.offers()).toEqual([revision.hash]);
      expect(supervisor.collectors()).toEqual([...collectors, supervisor.collectorPid()]);
      expect(await server.api.rolloutState(rollout.id)).toBe('succeeded');
      await passesSpan(supervisor, signal);
    },
  );

  test('and left its Collector behind cannot start another: unhealthy, offered nothing, healed by the end of the first', async () => {
    const [supervisor, { revision }] = await edge.startProven('orphan', { orphans: true });
    const orphan = await supervisor.kill('SIGKILL');
    await gone(supervisor);
    // Each Collector that it starts ends too soon to be waited for.
    supervisor.start();
    const told = async () => {
      const now = await agentOf(supervisor);
      return now.health?.lastError.includes('exited unexpectedly') && now;
    };
    const agent = await until('the crash is told', told, { timeoutMs: 60_000 });
    expect(agent).toMatchObject({ state: 'unhealthy', reported: { hash: revision.hash, status: 'APPLIED' } });
    await passesSpan(supervisor, 'to the orphan');
    killIfAlive(orphan ?? 0);
    await connected(server, supervisor);
    expect(await agentOf(supervisor)).toMatchObject({ state: 'in-sync' });
    expect(supervisor.offers()).toEqual([revision.hash]);
  });

  test('while it applied never says how that ended: apply-timeout, and one retry is the cure', async () => {
    const supervisor = await edge.start('applying');
    const { revision } = await server.api.push('applying', edge.config('applying'), 'cut off', { applyTimeout: '20s' });
    const says = async () => (await agentOf(supervisor)).reported?.status;
    await until('it says APPLYING', async () => (await says()) === 'APPLYING', { everyMs: 20 });
    await supervisor.kill('SIGKILL');
    await supervisor.start().ready();
    await connected(server, supervisor);
    const agent = await failed(server, supervisor, revision);
    expect(agent.reported).toMatchObject({ hash: revision.hash, status: 'APPLYING' });
    expect(ledgerOf(agent, revision)).toMatchObject({ reason: 'apply-timeout', sends: 1 });
    // It runs what it was sent; it only does not say so.
    expect(await server.api.config(supervisor.uid, 'effective')).toContain('value: applying');
    const collector = supervisor.collectorPid();
    await server.api.retry(supervisor.uid);
    await proven(server, supervisor, revision);
    expect(supervisor.offers()).toEqual([revision.hash, revision.hash]);
    expect(supervisor.collectorPid()).toBe(collector);
  });

  test('while it ran its own effective config, pasted back: it no longer hears its Collector, and a clean text is the cure', async () => {
    const [supervisor] = await edge.startProven('pasted');
    // Addresses of this Supervisor and this process of it are in there.
    const pasted = await server.api.config(supervisor.uid, 'effective');
    const { revision } = await server.api.push('pasted', pasted, 'as it is');
    await proven(server, supervisor, revision);
    await supervisor.kill('SIGKILL');
    await gone(supervisor);
    await supervisor.start().ready();
    await passesSpan(supervisor, 'from a stale configuration');
    await sleep(2_000);
    expect(await agentOf(supervisor)).toMatchObject({ state: 'unhealthy', health: { healthy: false, lastError: '' } });
    const clean = await server.api.push('pasted', edge.config('clean'), 'without them');
    await proven(server, supervisor, clean.revision);
    await connected(server, supervisor);
  });
});
