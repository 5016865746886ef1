/** Peers that are slow, doubled, restless or confused, and a clock that is set (R8, R20 to R23). */
import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AgentToServer, newUuidV7, ServerToAgentFlags } from '@flaghoist/opamp';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { applied, applying, edge, Lab, LabAgent, offered, silent, story, until } from './lab.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.start();
  await lab.edge();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await lab[Symbol.asyncDispose]();
});

const lastEvent = async (): Promise<number> => (await lab.client.getFleet()).lastEvent;

/** A heartbeat, and how long its answer took, ms. */
async function beat(agent: LabAgent): Promise<number> {
  const before = agent.received.length;
  const began = performance.now();
  agent.send(agent.report());
  await until(
    () => agent.received.length,
    (count) => count > before,
  );
  return performance.now() - began;
}

it('R20: of 1,000 clones of one uid each gets a uid of its own within two messages, and nobody is offered in a loop', async () => {
  const CLONES = 1_000;
  const uid = newUuidV7(Date.now(), randomBytes(10));
  const { id } = await lab.push(story());
  const clones = Array.from({ length: CLONES }, () => new LabAgent(lab, { ...edge, uid }));
  for (let at = 0; at < CLONES; at += 50) await Promise.all(clones.slice(at, at + 50).map((clone) => clone.connect()));
  for (let round = 0; round < 2; round += 1) await Promise.all(clones.map(beat));
  await until(
    () => new Set(clones.map((clone) => clone.uid)).size,
    (distinct) => distinct === CLONES,
    15_000,
  );
  for (let round = 0; round < 3; round += 1) await Promise.all(clones.map(beat));
  for (const clone of clones) expect(new Set(clone.hashes).size).toBe(clone.hashes.length);
  expect((await lab.client.listAgents({})).total).toBe(CLONES);
  expect((await lab.client.getRollout({ id })).state).not.toBe('running');
  for (const clone of clones) clone.drop();
}, 60_000);

it('R21: agents that flap write far less than once per reconnect, and cost nobody else', async () => {
  const quiet = await lab.agent(edge).connect();
  const flapping = Array.from({ length: 50 }, () => lab.agent(edge));
  await Promise.all(flapping.map((agent) => agent.connect()));
  await lab.members(51);
  await beat(quiet);
  const events = await lastEvent();
  const { size } = await stat(`${lab.directory}/flaghoist.db-wal`);
  let slowest = 0;
  for (let round = 0; round < 10; round += 1) {
    for (const agent of flapping) agent.drop();
    await Promise.all(flapping.map((agent) => agent.reconnect()));
    await Promise.all(flapping.map(beat));
    slowest = Math.max(slowest, await beat(quiet));
  }
  const { size: after } = await stat(`${lab.directory}/flaghoist.db-wal`);
  // Of 500 reconnects: that somebody's state changed is told together, five times a second.
  expect((await lastEvent()) - events).toBeLessThan(100);
  expect(after - size).toBeLessThan(50 * 8_216);
  expect(slowest).toBeLessThan(1_000);
});

it.each([3_600_000, -3_600_000])(
  'R22: a system clock that is set by %i ms fails no agent and moves no deadline',
  async (by) => {
    const agent = await lab.agent({ ...edge, outcome: applying }).connect();
    await lab.members(1);
    const { id } = await lab.push(story(), { applyTimeout: '2m' });
    await until(
      () => lab.detail(agent.uid),
      ({ ledger }) => ledger[0]?.phase === 'applying',
    );
    const real = Date.now;
    vi.spyOn(Date, 'now').mockImplementation(() => real() + by);
    // Several ticks.
    await sleep(1_000);
    expect((await lab.client.getRollout({ id })).state).toBe('running');
    for (const change of applied(agent.offers[0] as never)) agent.send(agent.change(change));
    expect(await lab.ends(id)).toMatchObject({ state: 'succeeded', counts: { proven: 1 } });
    const [entry] = (await lab.detail(agent.uid)).ledger;
    expect(Date.parse(entry?.provenAt ?? '') - Date.parse(entry?.offeredAt ?? '')).toBeGreaterThanOrEqual(0);
  },
);

it('R22: agents whose clocks are ten years off prove what they run like others', async () => {
  const TEN_YEARS = 315_360_000_000n * 1_000_000n;
  const now = BigInt(Date.now()) * 1_000_000n;
  for (const time of [now - TEN_YEARS, now + TEN_YEARS, 0n, 2n ** 64n - 1n]) {
    const health = { healthy: true, startTimeUnixNano: time, statusTimeUnixNano: time };
    const outcome = (config: never) => [{ health }, ...applied(config)];
    await lab.agent({ ...edge, state: { health }, outcome: outcome as never }).connect();
  }
  await lab.members(4);
  const { id } = await lab.push(story());
  expect(await lab.ends(id)).toMatchObject({ state: 'succeeded', counts: { proven: 4 } });
});

it('R23: what was lost, doubled or came in another order is asked for once, and is right after two exchanges', async () => {
  const agent = await lab.agent({ ...edge, outcome: silent }).connect();
  await lab.members(1);
  const { id } = await lab.push(story());
  await offered(agent);
  const asked = () =>
    agent.received.filter(({ flags }) => Number(flags) & ServerToAgentFlags.ServerToAgentFlags_ReportFullState).length;
  const before = asked();
  const [applyingNow, healthy, appliedNow] = [
    ...applying(agent.offers[0] as never),
    ...applied(agent.offers[0] as never),
  ].map((state) => agent.change(state)) as [AgentToServer, AgentToServer, AgentToServer];
  // The first is lost, the last comes before the second, and twice.
  void applyingNow;
  for (const message of [appliedNow, healthy, appliedNow]) agent.send(message);
  expect(await lab.ends(id)).toMatchObject({ state: 'succeeded', counts: { proven: 1 } });
  await beat(agent);
  expect(await lab.detail(agent.uid)).toMatchObject({ state: 'in-sync', health: { healthy: true } });
  // Gaps: 0 to 3, 3 to 2, 2 to 3, and back in line.
  expect(asked() - before).toBeLessThanOrEqual(4);
  expect(agent.offers).toHaveLength(1);
});
