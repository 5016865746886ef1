/** Whatever happens, and with a clock that never reads the same twice: a ledger's times stand in the order of its steps. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ALIVE_AT } from '../src/memory.ts';
import { openSqliteStore } from '../src/storage/sqlite-store.ts';
import { applied, applying, edge, failed, Lab, silent, story, until } from './lab.ts';

let lab: Lab;
beforeEach(async () => {
  const real = performance.now.bind(performance);
  let last = real();
  vi.spyOn(performance, 'now').mockImplementation(() => {
    last = Math.max(last + 1, real());
    return last;
  });
  lab = await Lab.start();
  await lab.edge();
});
afterEach(async () => {
  await lab[Symbol.asyncDispose]();
  vi.restoreAllMocks();
});

const STEPS = ['offeredAt', 'sentAt', 'receivedAt', 'applyingAt', 'appliedAt', 'provenAt'] as const;

it('offered, sent, received, applying, applied, proven: never one before the other', async () => {
  const outcomes = [applied, applied, applying, failed('no'), silent, applied];
  const agents = await Promise.all(outcomes.map((outcome) => lab.agent({ ...edge, outcome }).connect()));
  const polls = lab.agent(edge);
  await polls.pollOverHttp(polls.start());
  await lab.members(agents.length + 1);
  for (let round = 0; round < 4; round += 1) {
    const overrides = { maxInFlight: 3 + round, maxFailed: '100%', applyTimeout: '1s' };
    const { id } = await lab.push(story(`otlp/${round}`), overrides, true);
    for (let poll = 0; poll < 3; poll += 1) await polls.pollOverHttp();
    agents[round]?.drop();
    await agents[round]?.reconnect();
    await until(
      async () => {
        await polls.pollOverHttp();
        return lab.client.getRollout({ id });
      },
      ({ state }) => state !== 'running',
      20_000,
    );
  }
  const details = await Promise.all([...agents, polls].map(({ uid }) => lab.detail(uid)));
  const entries = details.flatMap(({ ledger }) => ledger);
  expect(entries.filter(({ phase }) => phase === 'proven').length).toBeGreaterThan(8);
  for (const entry of entries) {
    const times = STEPS.flatMap((step) => entry[step] ?? []);
    expect(times, JSON.stringify(entry)).toEqual(times.toSorted());
  }
});

it('a clock that was ahead and is put back: time goes on from what was stored, so that nothing new looks old (R22)', async () => {
  await lab.restart(async () => {
    await using store = await openSqliteStore({ directory: lab.directory });
    await store.commit([{ kind: 'mark', name: ALIVE_AT, value: Date.now() + 3_600_000 }]);
  });
  await lab.agent(edge).connect();
  await lab.members(1);
  const { id } = await lab.push(story(), { maxFailed: 0 });
  expect(await lab.ends(id)).toMatchObject({ state: 'succeeded', counts: { proven: 1 } });
  expect(Date.parse((await lab.client.getRollout({ id })).createdAt)).toBeGreaterThan(Date.now() + 3_500_000);
});
