/** Rollouts in stages against a real server: small first, proven at each step, taken back by themselves. */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqliteStore } from '../src/storage/sqlite-store.ts';
import { applied, edge, failed, Lab, type LabAgent, refusing, silent, story, until } from './lab.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await Lab.start();
  await lab.edge();
});
afterEach(() => lab[Symbol.asyncDispose]());

/** `careful`, with its times scaled down to what a test waits for. */
const SCALED = {
  stages: ['canary', '50%', '100%'],
  canary: { size: 3 },
  maxInFlight: 6,
  minHealthyTime: '0s',
  soak: { canary: '300ms', stage: '300ms' },
  bake: '300ms',
};
const NEXT = 'otlp/secondary';

const agents = async (count: number, options = {}): Promise<LabAgent[]> => {
  const there = await Promise.all(Array.from({ length: count }, () => lab.agent({ ...edge, ...options }).connect()));
  await lab.members(count);
  return there;
};
const stable = async (terms = {}): Promise<string> => {
  const { id, hash } = await lab.push(story(), { maxInFlight: 50, ...terms });
  expect(await lab.ends(id)).toMatchObject({ state: 'succeeded' });
  return hash;
};
const becomes = (id: string, ...states: string[]) =>
  until(
    () => lab.client.getRollout({ id }),
    ({ state }) => states.includes(state),
    15_000,
  );
const logOf = async (id: string) => {
  const { items } = await lab.client.listRolloutEvents({ id });
  return items.map(({ kind, data }) => ({ kind, data: data as Record<string, unknown> }));
};
const having = (all: readonly LabAgent[], hash: string) => all.filter(({ hashes }) => hashes.includes(hash));
const groupEdge = () => lab.client.getGroup({ name: 'edge' });
const by = { author: 'ada' };

it('canary, then half, then all, each watched, then baked: only then it is the stable one', async () => {
  const all = await agents(12);
  const before = await stable();
  const { id, hash } = await lab.push(story(NEXT), SCALED);
  const soaks = await until(
    () => lab.client.getRollout({ id }),
    ({ watchedUntil }) => watchedUntil !== null,
  );
  expect(soaks).toMatchObject({ stage: 0, counts: { proven: 3 } });
  expect(having(all, hash)).toHaveLength(3);
  expect((await groupEdge()).stable?.hash).toBe(before);
  expect(await becomes(id, 'succeeded')).toMatchObject({ counts: { proven: 12 } });
  expect((await groupEdge()).stable?.hash).toBe(hash);
  const kinds = (await logOf(id)).map(({ kind }) => kind).filter((kind) => kind !== 'observed' && kind !== 'admitted');
  expect(kinds).toEqual([
    'started',
    ...['soaking', 'advanced', 'soaking', 'advanced', 'soaking', 'advanced'],
    'succeeded',
  ]);
}, 30_000);

describe('a bad revision', () => {
  it('stops at the canary, is taken back from whoever got it, and is condemned', async () => {
    const all = await agents(12);
    const good = await stable();
    for (const agent of all) agent.outcome = refusing(NEXT);
    const { id, hash } = await lab.push(story(NEXT), SCALED);
    expect(await becomes(id, 'rolled-back')).toMatchObject({ counts: { 'revert-unconfirmed': 0, failed: 0 } });
    const exposed = having(all, hash);
    expect(exposed.length).toBeGreaterThan(0);
    expect(exposed.length).toBeLessThanOrEqual(3);
    for (const agent of exposed) {
      expect(await lab.detail(agent.uid)).toMatchObject({ desired: { hash: good }, refused: [{ hash }] });
    }
    expect(await groupEdge()).toMatchObject({ stable: { hash: good } });
    let condemned: readonly string[] = [];
    await lab.restart(async () => {
      await using store = await openSqliteStore({ directory: lab.directory });
      condemned = (await store.load()).groups.flatMap((group) => group.condemned);
    });
    expect(condemned).toEqual([hash]);
  }, 30_000);

  it('sends back at once who failed within the budget, and goes on with the others (A.4)', async () => {
    const all = await agents(12);
    const good = await stable();
    const bad = all[0] as LabAgent;
    bad.outcome = refusing(NEXT);
    const { id, hash } = await lab.push(story(NEXT), {
      ...SCALED,
      stages: ['100%'],
      maxFailed: 1,
      successThreshold: 90,
    });
    expect(await becomes(id, 'succeeded')).toMatchObject({
      counts: { proven: 11, reverted: 1, failed: 0 },
      spent: { failed: 1 },
    });
    const { uid } = bad;
    expect(await lab.detail(uid)).toMatchObject({ desired: { hash: good }, refused: [{ hash }], state: 'rolled-back' });
    const { ledger } = await lab.detail(uid);
    expect(ledger).toMatchObject([
      { revision: { hash: good }, phase: 'proven' },
      { revision: { hash }, phase: 'failed', reason: 'agent-failed', errorMessage: 'unknown exporter' },
      { revision: { hash: good }, phase: 'proven' },
    ]);
    expect((await lab.client.listRolloutTargets({ id, state: 'failed' })).items).toMatchObject([
      { state: 'reverted', reason: 'agent-failed' },
    ]);
    const alerts = async () => (await lab.client.listAlerts({ state: 'active' })).items;
    const causes = [{ reason: 'agent-failed', count: 1 }];
    expect(await alerts()).toMatchObject([{ kind: 'config-failed', rollout: id, remaining: 1, causes }]);
    // Its way out: a person mends the agent and has it asked once more.
    bad.outcome = all[1]?.outcome ?? applied;
    await lab.client.retryAgent({ id: uid, ...by });
    const mended = () => lab.detail(uid);
    expect(await until(mended, ({ state }) => state === 'in-sync')).toMatchObject({ desired: { hash } });
    await until(alerts, (active) => active.length === 0);
  }, 30_000);

  it('hears of a retry that was asked of the agent (I5)', async () => {
    const all = await agents(12);
    await stable();
    const bad = all[0] as LabAgent;
    bad.outcome = refusing(NEXT);
    const over = { ...SCALED, stages: ['100%' as const], maxFailed: 1, successThreshold: 90, bake: '1m' };
    const { id } = await lab.push(story(NEXT), over);
    await until(
      () => lab.client.getRollout({ id }),
      ({ state, counts }) => state === 'baking' && counts.reverted === 1,
    );
    bad.outcome = all[1]?.outcome ?? applied;
    await lab.client.retryAgent({ id: bad.uid, ...by });
    await until(
      () => lab.client.getRollout({ id }),
      ({ counts }) => counts.proven === 12,
    );
    expect((await logOf(id)).map(({ kind }) => kind)).toContain('retried');
  }, 30_000);

  it('each goes back to its own last good revision, which need not be that of the group', async () => {
    const all = await agents(4);
    const good = await stable();
    const second = await lab.push(story(NEXT), { maxInFlight: 1, minHealthyTime: '1s' });
    const beats = setInterval(() => all.forEach((agent) => agent.send(agent.report())), 200);
    await until(
      () => lab.client.getRollout({ id: second.id }),
      ({ counts }) => counts.proven > 0,
    );
    await lab.client.pauseRollout({ id: second.id, body: by });
    await until(
      () => lab.client.getRollout({ id: second.id }),
      ({ inFlight }) => inFlight === 0,
    );
    await lab.client.stopRollout({ id: second.id, body: { ...by, message: 'mixed', leaveMixed: true } });
    clearInterval(beats);
    const mixed = having(all, second.hash);
    expect(mixed.length).toBeGreaterThan(0);
    expect(mixed.length).toBeLessThan(4);
    for (const agent of all) agent.outcome = refusing('otlp/third');
    const bad = await lab.push(story('otlp/third'), {
      maxInFlight: 4,
      maxFailed: 3,
      minHealthyTime: '0s',
      onFailure: 'pause',
    });
    await becomes(bad.id, 'paused');
    await lab.client.rollbackRollout({ id: bad.id, body: { ...by, message: 'bad' } });
    await becomes(bad.id, 'rolled-back');
    expect(having(all, bad.hash).some((agent) => mixed.includes(agent))).toBe(true);
    expect(having(all, bad.hash).some((agent) => !mixed.includes(agent))).toBe(true);
    for (const agent of having(all, bad.hash)) {
      const own = mixed.includes(agent) ? second.hash : good;
      expect((await lab.detail(agent.uid)).desired?.hash).toBe(own);
    }
    expect((await groupEdge()).stable?.hash).toBe(good);
  }, 40_000);

  it('late, while everybody is watched, is one too (late regression)', async () => {
    const all = await agents(3);
    const good = await stable();
    const { id } = await lab.push(story(NEXT), { ...SCALED, bake: '1m', maxFailed: 0 });
    await becomes(id, 'baking');
    const [ill] = all as [LabAgent];
    ill.send(ill.change({ health: { healthy: false, lastError: 'queue is full' } }));
    await until(
      () => lab.client.getRollout({ id }),
      ({ state }) => state !== 'baking',
      20_000,
    );
    for (const agent of all) agent.send(agent.change({ health: { healthy: true } }));
    const back = await becomes(id, 'rolled-back');
    expect(back.rollback?.message).toBe('1 of 3 agents failed; 0 may');
    for (const { uid } of all) expect((await lab.detail(uid)).desired?.hash).toBe(good);
  }, 60_000);
});

describe('what people ask', () => {
  it('a first rollout waits at its gate after the canary; promote opens it (A.7)', async () => {
    const all = await agents(12);
    const { id, hash } = await lab.push(story(), SCALED);
    expect(await becomes(id, 'paused')).toMatchObject({ pause: { reason: 'gate' }, counts: { proven: 3 } });
    const newcomer = await lab.agent(edge).connect();
    await expect(lab.client.resumeRollout({ id, body: by })).rejects.toMatchObject({ code: 'conflict' });
    await lab.client.promoteRollout({ id, body: by });
    await becomes(id, 'succeeded');
    expect(having(all, hash)).toHaveLength(12);
    await until(
      () => lab.detail(newcomer.uid),
      ({ state }) => state === 'in-sync',
    );
  }, 30_000);

  it('pause, retry, resume, promote, in this order: all of it in the log, by name', async () => {
    const all = await agents(4);
    await stable();
    const [bad] = all as [LabAgent];
    bad.outcome = failed('disk full');
    const overrides = { ...SCALED, stages: ['100%'], soak: { stage: '10m' }, onFailure: 'pause' };
    const { id, hash } = await lab.push(story(NEXT), overrides);
    expect(await becomes(id, 'paused')).toMatchObject({ pause: { reason: 'failures' } });
    await until(
      () => lab.client.getRollout({ id }),
      ({ inFlight }) => inFlight === 0,
    );
    bad.outcome = applied;
    await lab.client.retryRollout({ id, body: { ...by, agents: [bad.uid] } });
    await until(
      () => lab.client.getRollout({ id }),
      ({ counts }) => counts.failed === 0 && counts.offered + counts.sent + counts.applying + counts.verifying === 0,
    );
    expect(await lab.client.getRollout({ id })).toMatchObject({ spent: { failed: 1 }, state: 'paused' });
    await lab.client.resumeRollout({ id, body: by });
    const soaks = await until(
      () => lab.client.getRollout({ id }),
      ({ watchedUntil }) => watchedUntil !== null,
    );
    expect(soaks.counts.proven).toBe(4);
    await lab.client.promoteRollout({ id, body: by });
    await becomes(id, 'succeeded');
    expect(bad.hashes.filter((each) => each === hash)).toHaveLength(2);
    const asked = (await lab.client.listRolloutEvents({ id })).items.filter(({ author }) => author === 'ada');
    expect(asked.map(({ kind }) => kind)).toEqual(['retried', 'resumed', 'promoted']);
  }, 30_000);

  it('another rollout takes over in the middle, and its stages begin anew', async () => {
    const all = await agents(12);
    await stable();
    const first = await lab.push(story(NEXT), { ...SCALED, soak: { canary: '10m', stage: '10m' } });
    await until(
      () => lab.client.getRollout({ id: first.id }),
      ({ watchedUntil }) => watchedUntil !== null,
    );
    const second = await lab.push(story('otlp/third'), SCALED, true);
    expect(await lab.client.getRollout({ id: first.id })).toMatchObject({ state: 'superseded' });
    await becomes(second.id, 'succeeded');
    expect(having(all, first.hash)).toHaveLength(3);
    expect(having(all, second.hash)).toHaveLength(12);
  }, 30_000);
});

it('who joins late gets the stable revision first, and the new one when its stage comes (A.7)', async () => {
  await agents(12);
  const good = await stable();
  const { id, hash } = await lab.push(story(NEXT), { ...SCALED, soak: { canary: '3s', stage: '300ms' } });
  const late = await lab.agent(edge).connect();
  await becomes(id, 'succeeded');
  await until(
    () => lab.detail(late.uid),
    ({ state, desired }) => state === 'in-sync' && desired?.hash === hash,
  );
  expect(late.hashes).toEqual([good, hash]);
}, 30_000);

describe('the server is stopped and started again', () => {
  const back = async (all: readonly LabAgent[]) => {
    for (const agent of all) agent.drop();
    await lab.restart();
    await Promise.all(all.map((agent) => agent.reconnect()));
  };

  it.each(['soak', 'bake'] as const)(
    'in the %s: it goes on and succeeds',
    async (when) => {
      const all = await agents(12);
      await stable();
      const { id, hash } = await lab.push(story(NEXT), { ...SCALED, soak: { canary: '2s', stage: '0s' }, bake: '2s' });
      await until(
        () => lab.client.getRollout({ id }),
        ({ state, watchedUntil }) => (when === 'soak' ? watchedUntil !== null : state === 'baking'),
        15_000,
      );
      await back(all);
      await becomes(id, 'succeeded');
      expect(all.map(({ hashes }) => hashes.filter((each) => each === hash).length)).toEqual(all.map(() => 1));
    },
    40_000,
  );

  it('while it takes back: everybody is back, and nobody is sent the bad one again', async () => {
    const all = await agents(3);
    const good = await stable();
    const { id, hash } = await lab.push(story(NEXT), { ...SCALED, stages: ['100%'], bake: '10m' });
    await becomes(id, 'baking');
    for (const agent of all) agent.outcome = silent;
    await lab.client.rollbackRollout({ id, body: { ...by, message: 'bad' } });
    for (const agent of all) agent.outcome = applied;
    await back(all);
    await becomes(id, 'rolled-back');
    for (const agent of all) {
      expect((await lab.detail(agent.uid)).desired?.hash).toBe(good);
      expect(agent.hashes.filter((each) => each === hash)).toHaveLength(1);
    }
  }, 40_000);
});

describe('an older database is put back in the middle (I14)', () => {
  /** Two have the revision when the copy is made, and all when it is put back. */
  async function travel() {
    const all = await agents(8);
    // For so long what they say may be older than what this database thinks is on its way to them (I13).
    const good = await stable({ applyTimeout: '3s' });
    const strategy = { ...SCALED, stages: ['25%', '100%'], soak: { stage: '10m' } };
    const { id, hash } = await lab.push(story(NEXT), strategy);
    const soaks = () =>
      until(
        () => lab.client.getRollout({ id }),
        ({ watchedUntil }) => watchedUntil !== null,
      );
    await soaks();
    const [database, copy] = [join(lab.directory, 'flaghoist.db'), join(lab.directory, 'copy.db')];
    const reconnect = () => Promise.all(all.map((agent) => agent.reconnect()));
    await lab.restart(async () => cpSync(database, copy));
    await reconnect();
    await lab.client.promoteRollout({ id, body: by });
    expect((await soaks()).counts.proven).toBe(8);
    await lab.restart(async () => cpSync(copy, database, { force: true }));
    const older = await lab.client.getRollout({ id });
    expect(older).toMatchObject({ state: 'paused', pause: { reason: 'time-travel' }, counts: { proven: 2 } });
    await reconnect();
    const adopted = await until(
      () => lab.client.getRollout({ id }),
      ({ counts }) => counts.proven === 8,
    );
    expect(adopted.state).toBe('paused');
    return { all, good, id, hash };
  }

  it('whoever names the revision is exposed to it: resumed, it goes on from there', async () => {
    const { all, id, hash } = await travel();
    await lab.client.resumeRollout({ id, body: by });
    for (const _ of [1, 2]) {
      await until(
        () => lab.client.getRollout({ id }),
        ({ watchedUntil }) => watchedUntil !== null,
      );
      await lab.client.promoteRollout({ id, body: by });
    }
    await becomes(id, 'succeeded');
    expect(all.every(({ hashes }) => hashes.filter((each) => each === hash).length === 1)).toBe(true);
  }, 40_000);

  it('and taken back with the others', async () => {
    const { all, good, id } = await travel();
    await lab.client.rollbackRollout({ id, body: { ...by, message: 'bad' } });
    await becomes(id, 'rolled-back');
    for (const { uid } of all)
      expect(await lab.detail(uid)).toMatchObject({ desired: { hash: good }, reported: { hash: good } });
  }, 40_000);
});

describe('a push to several groups', () => {
  const GROUPS = ['east', 'north', 'west'];

  async function threeGroups(): Promise<Map<string, LabAgent[]>> {
    const members = new Map<string, LabAgent[]>();
    for (const name of GROUPS) {
      await lab.client.putGroup({
        name,
        body: { selector: `site=${name}`, priority: 200, configuration: 'edge', strategy: 'all-at-once' },
      });
      const there = Array.from({ length: 10 }, () => lab.agent({ labels: { site: name } }).connect());
      members.set(name, await Promise.all(there));
    }
    await until(
      () => lab.client.listAgents({}),
      ({ items }) => items.filter(({ group }) => GROUPS.includes(group ?? '')).length === 30,
    );
    return members;
  }

  async function pushAll(body: string, overrides: object) {
    const { hash, number } = await lab.client.createRevision({
      name: 'edge',
      body: { files: { '': { body } }, message: 'm' },
    });
    const request = { fleet: true, configuration: 'edge', revision: number, message: 'm', overrides } as const;
    const { rollouts } = await lab.client.startRollout({ body: request });
    return { hash, rollouts, children: rollouts.filter(({ group }) => GROUPS.includes(group)) };
  }

  it('is taken back as a whole: those that have finished, and those that go on', async () => {
    const members = await threeGroups();
    const first = await pushAll(story(), { maxInFlight: 50 });
    for (const { id } of first.rollouts) await becomes(id, 'succeeded');
    const { children, rollouts } = await pushAll(story(NEXT), { maxInFlight: 50, soak: { canary: '1m', stage: '1m' } });
    const finished = children.find(({ group }) => group === GROUPS[0])?.id ?? '';
    for (const { id } of children)
      await until(
        () => lab.client.getRollout({ id }),
        ({ watchedUntil }) => watchedUntil !== null,
      );
    await lab.client.promoteRollout({ id: finished, body: {} });
    await becomes(finished, 'succeeded');
    const back = await lab.client.rollbackRollout({ id: rollouts[0]?.parent ?? '', body: { atOnce: true } });
    const going = GROUPS.slice(1);
    for (const { id, group } of back.rollouts) await becomes(id, going.includes(group) ? 'rolled-back' : 'succeeded');
    expect(back.rollouts.map(({ group }) => group)).toEqual(expect.arrayContaining([...GROUPS]));
    for (const agent of [...members.values()].flat())
      await until(
        () => lab.detail(agent.uid),
        ({ reported }) => reported?.hash === agent.hashes[0],
      );
  });

  it('canaries of all together are as few as those of one; what trips one pauses the others', async () => {
    const members = await threeGroups();
    const first = await pushAll(story(), { maxInFlight: 50 });
    for (const { id } of first.rollouts) await becomes(id, 'succeeded');
    const all = [...members.values()].flat();
    for (const agent of all) agent.outcome = silent;
    const { children, hash } = await pushAll(story(NEXT), { ...SCALED, maxFailed: 0 });
    await until(
      () => having(all, hash),
      ({ length }) => length >= 3,
    );
    await new Promise((resolve) => setTimeout(resolve, 500));
    const few = having(all, hash);
    expect(few).toHaveLength(3);
    const [bad] = few as [LabAgent];
    for (const agent of all) agent.outcome = applied;
    for (const change of failed('no')(bad.offers.at(-1) as never)) bad.send(bad.change(change));
    const site = [...members].find(([, there]) => there.includes(bad))?.[0];
    for (const { id, group } of children) {
      if (group === site) await becomes(id, 'rolling-back', 'rolled-back', 'rolled-back-partial');
      else expect(await becomes(id, 'paused')).toMatchObject({ pause: { reason: 'sibling' } });
    }
    expect(having(all, hash)).toHaveLength(3);
  }, 60_000);
});
