// T-A3 a, c, e: what real agents cannot run stops at the canary, and the canary goes back by itself to what it ran.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, expect, test } from 'vitest';
import type { SavedRevision } from '../packages/api/src/index.ts';
import { type Edge, startEdge } from './harness/edge.ts';
import { connected, proven } from './harness/expectations.ts';
import { useLab } from './harness/lab.ts';
import { sendSpan } from './harness/otlp.ts';
import { killIfAlive } from './harness/processes.ts';
import type { Server } from './harness/server.ts';
import { type Supervisor, startSupervisor } from './harness/supervisor.ts';
import { until } from './harness/until.ts';

const AGENTS = 10;

const lab = useLab();
let edge: Edge;
let server: Server;
let supervisors: Supervisor[];
let good: SavedRevision;

beforeAll(async () => {
  edge = await startEdge(lab);
  server = edge.server;
  await server.api.createGroup('fleet', 'fleet');
  const names = Array.from({ length: AGENTS }, (_, i) => `fleet-${i}`);
  const options = { role: 'fleet', endpoint: server.websocketUrl, agent: { validate_config: true } };
  supervisors = await Promise.all(names.map((name) => startSupervisor(lab, { name, ...options })));
  await Promise.all(supervisors.map((supervisor) => connected(server, supervisor)));
  const first = await server.api.push('fleet', edge.config('good'), 'good', { maxInFlight: '100%' });
  good = first.revision;
  await until('all run it', async () => (await server.api.rolloutState(first.rollout.id)) === 'succeeded');
});

/** Stages as `careful` has them, with its times scaled. */
const SCALED = { applyTimeout: '8s', minHealthyTime: '0s', soak: { canary: '1s', stage: '1s' }, bake: '1s' } as const;

type Overrides = Parameters<Server['api']['push']>[3];

/** The rollout to a bad revision, and who of the Supervisors was given it. */
async function pushBad(body: string, message: string, overrides: Overrides = {}) {
  const before = new Map(supervisors.map((supervisor) => [supervisor, supervisor.collectorPid()]));
  const { revision, rollout } = await server.api.push('fleet', body, message, { ...SCALED, ...overrides }, 'careful');
  const exposed = () => supervisors.filter((supervisor) => supervisor.offers().includes(revision.hash));
  return { id: rollout.id, revision, exposed, before };
}

type Bad = Awaited<ReturnType<typeof pushBad>>;

const theOne = ({ exposed }: Bad) => until('the canary has it', () => exposed()[0], { everyMs: 20 });

/** It ended as it should: one agent had it and is back, by its own files and its telemetry; nobody else was touched. */
async function takenBack({ id, exposed, before }: Bad): Promise<void> {
  const ended = async () => {
    const { state } = await server.api.rollout(id);
    return state.startsWith('rolled-back') && state;
  };
  expect(await until('the rollout is taken back', ended, { timeoutMs: 60_000 })).toBe('rolled-back');
  const [canary, ...more] = exposed();
  if (canary === undefined) throw new Error('nobody had it');
  expect(more).toEqual([]);
  const targets = (await server.api.targets(id)).filter(({ state }) => state !== 'pending');
  expect(targets.map(({ name, state }) => [name, state])).toEqual([[expect.any(String), 'reverted']]);
  expect(canary.persisted()).toEqual({ hash: good.hash, status: 'APPLIED' });
  expect(readFileSync(join(canary.directory, 'storage/effective.yaml'), 'utf8')).toContain('value: good');
  expect(await server.api.config(canary.uid, 'effective')).toContain('value: good');
  await proven(server, canary, good);
  await until('it takes spans', () => sendSpan(canary.otlpPort, `${id} ${canary.name}`).then(() => true));
  await until('the span arrived', () => edge.primary.spans.includes(`${id} ${canary.name}`));
  for (const [supervisor, collector] of before) {
    if (supervisor === canary) continue;
    expect(supervisor.collectorPid()).toBe(collector);
    expect(supervisor.persisted()).toEqual({ hash: good.hash, status: 'APPLIED' });
  }
}

let began = performance.now();
afterEach(({ task }) => {
  process.stderr.write(`${task.name}: ${Math.round(performance.now() - began)} ms\n`);
  began = performance.now();
});

test('(a) a configuration that cannot start: refused in the words of the Collector, which runs on', async () => {
  const bad = await pushBad(edge.config('a').replace('timeout: 100ms', 'timeuot: 100ms'), 'a misspelt setting');
  const canary = await theOne(bad);
  const collector = bad.before.get(canary);
  await takenBack(bad);
  expect(canary.collectorPid()).toBe(collector);
  expect(canary.refusals()[0]).toContain('has invalid keys: timeuot');
  expect(await server.api.rolloutMessages(bad.id)).toContain(canary.refusals()[0]);
  const alerts = await server.api.alertsOf(bad.id);
  const causes = [{ reason: 'agent-failed', message: canary.refusals()[0], count: 1 }];
  expect(alerts.find(({ kind }) => kind === 'config-failed')).toMatchObject({ causes });
  expect(alerts.map(({ kind }) => kind)).toContain('rollout-rolled-back');
});

test('(e) the Supervisor is killed while it applies: it comes back on the new revision, and is taken back', async () => {
  const bad = await pushBad(edge.config('e'), 'cut off');
  const canary = await theOne(bad);
  await until('it says APPLYING', () => canary.persisted().status === 'APPLYING', { everyMs: 20 });
  await canary.kill('SIGKILL');
  await canary.start().ready();
  await takenBack(bad);
});

test('(c) a Collector that is proven and dies after a while: seen by its health alone, while the canary is watched', async () => {
  const bad = await pushBad(edge.config('c'), 'dies of it', { soak: { canary: '60s' } });
  const canary = await theOne(bad);
  await until('it is proven', async () => (await server.api.rollout(bad.id)).counts.proven === 1);
  expect(canary.persisted()).toEqual({ hash: bad.revision.hash, status: 'APPLIED' });
  // As a kernel does that has no memory left, each time that it is started.
  while ((await server.api.rolloutState(bad.id)) === 'running') {
    const collector = canary.collectorPid();
    if (collector !== undefined) killIfAlive(collector);
    await sleep(100);
  }
  expect(await server.api.rolloutMessages(bad.id)).toEqual([
    expect.stringMatching(/^Agent process PID=\d+ exited unexpectedly/),
  ]);
  await takenBack(bad);
});
