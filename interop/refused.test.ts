import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import type { Push } from './harness/api.ts';
import { type Edge, startEdge } from './harness/edge.ts';
import { connected, failed, ledgerOf, proven } from './harness/expectations.ts';
import { useLab } from './harness/lab.ts';
import { sendSpan } from './harness/otlp.ts';
import type { Server } from './harness/server.ts';
import type { Supervisor } from './harness/supervisor.ts';
import { until } from './harness/until.ts';

const QUIET_MS = 60_000;

const lab = useLab();
let edge: Edge;
let server: Server;
/** It asks the Collector before it takes a configuration. */
let validating: Supervisor;
/** It finds out by running it. */
let trusting: Supervisor;

beforeAll(async () => {
  edge = await startEdge(lab);
  server = edge.server;
  [validating, trusting] = await Promise.all([
    edge.start('validating', { agent: { validate_config: true } }),
    edge.start('trusting'),
  ]);
});

interface Pushes {
  readonly validating: Push;
  readonly trusting: Push;
}

/** Pushes to both groups. One content is one hash. */
async function pushToBoth(body: string, message: string): Promise<Pushes> {
  const [first, second] = await Promise.all([
    server.api.push('validating', body, message, { onFailure: 'pause' }),
    server.api.push('trusting', body, message, { onFailure: 'pause' }),
  ]);
  expect(first.revision.hash).toBe(second.revision.hash);
  return { validating: first, trusting: second };
}

async function bothProven(pushes: Pushes): Promise<void> {
  await Promise.all([
    proven(server, validating, pushes.validating.revision),
    proven(server, trusting, pushes.trusting.revision),
  ]);
  for (const supervisor of [validating, trusting]) {
    expect(await connected(server, supervisor)).toMatchObject({ state: 'in-sync' });
    await passesSpan(supervisor);
  }
}

async function passesSpan({ name, otlpPort }: Supervisor): Promise<void> {
  const span = `${name} ${randomUUID()}`;
  await sendSpan(otlpPort, span);
  await until('the span arrived', () => edge.primary.spans.includes(span));
}

test('a refused configuration is shown in the words of the agent, and is not offered again', async () => {
  const good = edge.config('good');
  await bothProven(await pushToBoth(good, 'good'));
  const collector = validating.collectorPid();

  const bad = good.replace('timeout: 100ms', 'timeuot: 100ms');
  const pushes = await pushToBoth(bad, 'a misspelt setting');
  const { revision } = pushes.validating;
  const { hash } = revision;

  const refused = await failed(server, validating, revision);
  expect(refused.reported).toEqual(
    expect.objectContaining({ hash, status: 'FAILED', errorMessage: validating.refusals()[0] }),
  );
  expect(refused.reported?.errorMessage).toContain('has invalid keys: timeuot');
  expect(refused.reason).toContain('has invalid keys: timeuot');
  const crashed = await failed(server, trusting, revision);
  expect(crashed.reported).toMatchObject({
    hash,
    status: 'FAILED',
    errorMessage: 'Agent exited unexpectedly with exit code 1 while applying configuration',
  });
  const [target] = await server.api.targets(pushes.validating.rollout.id);
  expect(target).toMatchObject({ state: 'failed', message: validating.refusals()[0] });

  const quietUntil = performance.now() + QUIET_MS;
  while (performance.now() < quietUntil) {
    const states = await Promise.all(
      [validating, trusting].map(async ({ uid }) => (await server.api.agent(uid)).state),
    );
    expect(states).toEqual(['failed', 'failed']);
    await sleep(500);
  }
  for (const supervisor of [validating, trusting]) {
    expect(supervisor.offers().filter((offered) => offered === hash)).toHaveLength(1);
    expect(ledgerOf(await server.api.agent(supervisor.uid), revision)).toMatchObject({
      phase: 'failed',
      sends: 1,
    });
  }
  // Who asks first has lost nothing: the Collector still runs what it ran.
  expect(validating.collectorPid()).toBe(collector);
  await passesSpan(validating);
});

test('a good configuration after the bad one is taken and heals', async () => {
  const good = edge.config('repaired');
  await bothProven(await pushToBoth(good, 'repaired'));
});
