import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import type { Agent, Push } from './harness/api.ts';
import { collectorConfig } from './harness/collector-config.ts';
import { connected, proven } from './harness/expectations.ts';
import { useLab } from './harness/lab.ts';
import { type OtlpSink, otlpSink, sendSpan } from './harness/otlp.ts';
import { type Server, startServer } from './harness/server.ts';
import { type Supervisor, startSupervisor } from './harness/supervisor.ts';
import { until } from './harness/until.ts';

const QUIET_MS = 60_000;

const lab = useLab();
let primary: OtlpSink;
let server: Server;
/** It asks the Collector before it takes a configuration. */
let validating: Supervisor;
/** It finds out by running it. */
let trusting: Supervisor;

beforeAll(async () => {
  [primary, server] = await Promise.all([otlpSink(lab), startServer(lab)]);
  const start = async (role: string, validateConfig: boolean): Promise<Supervisor> => {
    await server.api.createGroup(role, role);
    return startSupervisor(lab, { name: role, role, endpoint: server.websocketUrl, validateConfig });
  };
  [validating, trusting] = await Promise.all([start('validating', true), start('trusting', false)]);
});

/** Pushes to both groups; the revisions have one hash because they have one content. */
async function pushToBoth(body: string, message: string): Promise<Push[]> {
  return Promise.all([validating, trusting].map(({ name }) => server.api.push(name, body, message)));
}

async function bothProven(pushes: readonly Push[]): Promise<void> {
  const supervisors = [validating, trusting];
  await Promise.all(pushes.map(({ revision }, i) => proven(server, supervisors[i] as Supervisor, revision)));
  for (const { name, otlpPort } of supervisors) {
    await sendSpan(otlpPort, `${name} ${pushes[0]?.revision.number}`);
    await until('the span arrived', () => primary.spans.includes(`${name} ${pushes[0]?.revision.number}`));
  }
}

function failed(supervisor: Supervisor): Promise<Agent> {
  return until(`${supervisor.name} has failed`, async () => {
    const agent = await server.api.agent(supervisor.uid);
    return agent.state === 'failed' && agent;
  });
}

test('a refused configuration is shown in the words of the agent, and is not offered again', async () => {
  await Promise.all([connected(server, validating), connected(server, trusting)]);
  const good = collectorConfig({ exporters: { 'otlp/primary': primary } });
  await bothProven(await pushToBoth(good, 'good'));
  const collector = validating.collectorPid();

  const bad = good.replaceAll('otlp/primary', 'kafka/unknown');
  const [toValidating, toTrusting] = await pushToBoth(bad, 'an exporter that this build does not have');
  const hash = toValidating?.revision.hash ?? '';
  expect(toTrusting?.revision.hash).toBe(hash);

  const refused = await failed(validating);
  expect(refused.reported).toEqual(
    expect.objectContaining({ hash, status: 'FAILED', errorMessage: validating.refusals()[0] }),
  );
  expect(refused.reported?.errorMessage).toContain('unknown type: "kafka"');
  expect(refused.reason).toContain('unknown type: "kafka"');
  const crashed = await failed(trusting);
  expect(crashed.reported).toMatchObject({
    hash,
    status: 'FAILED',
    errorMessage: 'Agent exited unexpectedly with exit code 1 while applying configuration',
  });
  const [target] = await server.api.targets(toValidating?.rollout.id ?? '');
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
    expect((await server.api.agent(supervisor.uid)).ledger).toMatchObject({ sends: 1 });
  }
  // Who asks first has lost nothing: the Collector still runs what it ran.
  expect(validating.collectorPid()).toBe(collector);
  await sendSpan(validating.otlpPort, 'still the old one');
  await until('the span arrived', () => primary.spans.includes('still the old one'));
});

test('a good configuration after the bad one is taken and heals', async () => {
  const good = collectorConfig({ exporters: { 'otlp/primary': primary }, marker: 'repaired' });
  await bothProven(await pushToBoth(good, 'repaired'));
  for (const supervisor of [validating, trusting]) {
    expect(await connected(server, supervisor)).toMatchObject({ state: 'in-sync' });
  }
});
