/** When a configuration is offered, and what an agent's word about it counts for. */
import { AgentCapabilities as Bits, type ServerToAgent } from '@flaghoist/opamp';
import { silent } from '@flaghoist/opamp/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { edge, failed, Lab, story, until } from '../lab.ts';
import { peer, TRANSPORTS } from './peer.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.start();
  await lab.edge();
});
afterEach(() => lab[Symbol.asyncDispose]());

const offered = (answers: readonly ServerToAgent[]): string[] =>
  answers.flatMap(({ remoteConfig }) => (remoteConfig ? [Buffer.from(remoteConfig.configHash).toString('hex')] : []));

describe.each(TRANSPORTS)('over %s', (transport) => {
  it('a stale hash gets the wanted one in the very answer; the wanted one gets nothing: S-117, S-118, S-119', async () => {
    const first = await peer(lab, transport, edge);
    await first.talk(first.agent.start());
    const push = await lab.push(story());
    await until(
      () => first.talk(first.agent.report()).then(() => lab.client.getRollout({ id: push.id })),
      ({ state }) => state === 'succeeded',
    );
    // It comes back with an older disk, so that what it reports differs from what it should run.
    await first.say(first.agent.goodbye());
    const stale = { remoteConfigStatus: { lastRemoteConfigHash: Uint8Array.of(9), status: 1 as const } };
    await using again = await peer(lab, transport, { ...edge, uid: first.agent.uid, state: stale });
    expect(offered([await again.say(again.agent.start())])).toEqual([push.hash]);
    for (const message of again.agent.receive(again.heard[0] as ServerToAgent)) await again.talk(message);
    expect(offered(await again.talk(again.agent.report()))).toEqual([]);
    await first[Symbol.asyncDispose]();
  });

  it('a refusal stays one, however often it is told; another configuration is offered: S-060, S-122, S-123', async () => {
    await using one = await peer(lab, transport, { ...edge, outcome: failed('unknown exporter') });
    await one.talk(one.agent.start());
    const bad = await lab.push(story('otlp/secondary'), { maxFailed: 5 });
    await until(
      () => one.talk(one.agent.report()).then(() => lab.detail(one.agent.uid)),
      ({ sync }) => sync === 'failed',
    );
    for (let times = 0; times < 10; times += 1) await one.talk(one.agent.fullState());
    expect(offered(one.heard)).toEqual([bad.hash]);
    const next = await lab.push(story(), { maxFailed: 5 }, true);
    await until(
      () => one.talk(one.agent.report()).then(() => offered(one.heard)),
      ({ length }) => length > 1,
    );
    expect(offered(one.heard)).toEqual([bad.hash, next.hash]);
    const { ledger } = await lab.detail(one.agent.uid);
    expect(ledger.find(({ revision }) => revision.hash === bad.hash)).toMatchObject({
      phase: 'failed',
      errorMessage: 'unknown exporter',
    });
  });

  it('silence on an offer is neither success nor a reason to repeat it: S-058, S-072, S-126', async () => {
    await using one = await peer(lab, transport, { ...edge, outcome: silent });
    await one.talk(one.agent.start());
    const { hash } = await lab.push(story());
    await until(
      () => one.talk(one.agent.report()).then(() => offered(one.heard)),
      ({ length }) => length > 0,
    );
    for (let beats = 0; beats < 20; beats += 1) await one.talk(one.agent.report());
    expect(offered(one.heard)).toEqual([hash]);
    expect(await lab.detail(one.agent.uid)).toMatchObject({ sync: 'updating', reported: { status: 'UNSET' } });
  });

  it('bodies are bytes, as they were stored: S-129', async () => {
    const body = `# Ünïcode, a tab\there\n${story()}# and no end of line`;
    await using one = await peer(lab, transport, edge);
    await one.talk(one.agent.start());
    await lab.push(body);
    await until(
      () => one.talk(one.agent.report()).then(() => one.agent.offers),
      ({ length }) => length > 0,
    );
    const [file] = Object.values(one.agent.offers[0]?.config?.configMap ?? {});
    expect(Buffer.from(file?.body ?? []).toString()).toBe(body);
  });
});

it('who was away while it changed five times gets the last one alone: S-055', async () => {
  await using one = await peer(lab, 'http', edge);
  await one.talk(one.agent.start());
  const hashes: string[] = [];
  for (const exporter of ['otlp/1', 'otlp/2', 'otlp/3', 'otlp/4', 'otlp/5'])
    hashes.push((await lab.push(story(exporter), {}, true)).hash);
  await one.talk(one.agent.report());
  await one.talk(one.agent.report());
  expect(offered(one.heard)).toEqual([hashes[4]]);
});

it('agents get what their attributes say: S-121', async () => {
  await lab.client.putConfiguration({ name: 'gateway', body: {} });
  await lab.client.putGroup({
    name: 'gateway',
    body: { selector: 'role=gateway', configuration: 'gateway', strategy: 'all-at-once' },
  });
  const body = { files: { '': { body: story('otlp/gateway') } }, message: 'm' };
  const revision = await lab.client.createRevision({ name: 'gateway', body });
  await using one = await peer(lab, 'websocket', edge);
  await using other = await peer(lab, 'websocket', { labels: { role: 'gateway' } });
  for (const each of [one, other]) await each.talk(each.agent.start());
  const push = await lab.push(story());
  const to = { group: 'gateway', configuration: 'gateway', revision: revision.number, message: 'm' } as const;
  await lab.client.startRollout({ body: to });
  await until(
    () => [...offered(one.heard), ...offered(other.heard)],
    ({ length }) => length === 2,
  );
  expect([offered(one.heard), offered(other.heard)]).toEqual([[push.hash], [revision.hash]]);
});

it('more in the effective config than was offered is no failure: S-110', async () => {
  await using one = await peer(lab, 'websocket', {
    ...edge,
    outcome: ({ configHash }) => {
      const text = story('otlp/local').replace('exporters:\n', 'exporters:\n  debug: {}\n');
      const body = new TextEncoder().encode(text);
      return [
        { health: { healthy: true } },
        { remoteConfigStatus: { lastRemoteConfigHash: configHash, status: 1 } },
        { effectiveConfig: { configMap: { configMap: { '': { body } } } } },
      ];
    },
  });
  await one.talk(one.agent.start());
  await lab.push(story());
  const agent = await until(
    () => one.talk(one.agent.report()).then(() => lab.detail(one.agent.uid)),
    ({ sync }) => sync !== 'updating',
  );
  expect([agent.sync, agent.ledger[0]?.effective?.verdict]).toEqual(['in-sync', 'confirmed']);
});

it('an agent that can take no configuration is offered none, and said to be unverifiable: S-072, S-113', async () => {
  const capabilities = Bits.AgentCapabilities_ReportsStatus | Bits.AgentCapabilities_ReportsHealth;
  await using one = await peer(lab, 'websocket', { ...edge, capabilities });
  await one.talk(one.agent.start());
  const push = await lab.push(story());
  await lab.ends(push.id);
  await one.talk(one.agent.report());
  expect(offered(one.heard)).toEqual([]);
  expect(await lab.detail(one.agent.uid)).toMatchObject({ sync: 'unverifiable' });
});
