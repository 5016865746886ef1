/** Who is in which stage (A.6, T-A4). */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canariesOf, checkStages, percentLists, rankAt } from '../../test/plans.ts';
import { NOW, rank, sha256, started } from '../../test/rollouts.ts';
import { A, agent, assigned, B, entry, health, presence, without } from '../../test/samples.ts';
import type { Agent, AgentIdentity } from '../agents/agent.ts';
import { admissible, type Placed, planRollout, stageOf, stagesOf } from './plan.ts';
import { strategyNamed, withOverrides } from './strategy.ts';

const CAREFUL = strategyNamed('careful');
const request = {
  id: 'r-1',
  group: 'edge',
  target: B,
  from: A,
  strategy: CAREFUL,
  seed: 's',
  author: 'ada',
  message: '',
  supersedes: null,
  parent: null,
  takesBack: null,
};
const plan = (members: readonly Placed[], over: Partial<typeof request> = {}) =>
  planRollout({ ...request, ...over }, members, rank, sha256);
const placed = (one: Agent, where = presence()): Placed => ({ agent: one, presence: where });
const kind = (id: string, version: string, over: Partial<AgentIdentity> = {}): Placed =>
  placed(agent(id, { identifying: { 'service.name': 'otelcol', 'service.version': version }, ...over }));
const fleet = (count: number, version = '0.1.0', name = 'a'): Placed[] =>
  Array.from({ length: count }, (_, n) => kind(`${name}${n}`, version));

describe('the stages partition the plan', () => {
  const lists = percentLists(40, 7);

  test('exactly, for all sizes up to 300 and some up to 10,000: no empty one, the last boundary is N', () => {
    const sizes = [...Array.from({ length: 300 }, (_, n) => n + 1), 999, 1_000, 1_001, 4_567, 9_999, 10_000];
    for (const all of sizes) {
      const ranks = Array.from({ length: all }, (_, n) => rankAt(n));
      for (const names of lists) {
        const canary = canariesOf(names, all);
        if (canary > 0 && all < 10) continue;
        checkStages(names, canary, ranks.slice(canary));
      }
    }
  });

  test('by the function that finds the stage of an agent: as many fall into each as were planned', () => {
    for (const all of [10, 11, 37, 100, 333]) {
      const ranks = Array.from({ length: all }, (_, n) => rankAt(n));
      for (const names of lists) {
        const canary = canariesOf(names, all);
        const ids = ranks.slice(0, canary);
        const stages = checkStages(names, canary, ranks.slice(canary));
        const found = stages.map(() => 0);
        for (const own of ranks) {
          const at = stageOf({ canary: ids, stages }, own, () => own, false);
          found[at] = (found[at] ?? 0) + 1;
        }
        expect(found, `${names}, ${all}`).toEqual(stages.map(({ planned }) => planned));
      }
    }
  });

  test('fewer than ten are one and the rest; one alone is the canary; nobody is no stage', () => {
    const names = (count: number) => plan(fleet(count)).header.stages.map(({ name, planned }) => `${name} ${planned}`);
    expect(names(0)).toEqual([]);
    expect(names(1)).toEqual(['canary 1']);
    expect(names(2)).toEqual(['canary 1', '100% 1']);
    expect(names(9)).toEqual(['canary 1', '100% 8']);
    expect(names(10)).toEqual(['canary 1', '25% 2', '100% 7']);
    expect(names(1_000)).toEqual(['canary 10', '5% 40', '25% 200', '100% 750']);
  });

  test('without a canary too', () => {
    const ranks = Array.from({ length: 8 }, (_, n) => rankAt(n));
    const stages = stagesOf(withOverrides(CAREFUL, { stages: ['50%', '100%'] }), 0, ranks);
    expect(stages).toEqual([
      { name: '50%', planned: 4, upTo: rankAt(3) },
      { name: '100%', planned: 4, upTo: null },
    ]);
  });
});

describe('the same plan', () => {
  test('byte for byte, whatever the order of the members (T-A4)', () => {
    const members = [
      ...fleet(30),
      ...fleet(12, '0.2.0', 'b'),
      kind('none', '0.1.0', { capabilities: without('AcceptsRemoteConfig') }),
      kind('waits', '0.1.0', { admission: 'awaiting-approval' }),
      placed({ ...assigned(entry('sent')), identity: agent('x').identity }),
      placed({ ...assigned(entry('sent')), identity: agent('y').identity }),
    ];
    const text = JSON.stringify(plan(members));
    fc.assert(
      fc.property(fc.shuffledSubarray(members, { minLength: members.length }), (shuffled) => {
        expect(JSON.stringify(plan(shuffled))).toBe(text);
      }),
      { numRuns: 200 },
    );
  });

  test('and another one with another seed: never the same hosts first', () => {
    const canaries = Array.from({ length: 40 }, (_, n) => plan(fleet(100), { seed: `s${n}` }).header.canary);
    expect(new Set(canaries.flat()).size).toBeGreaterThan(20);
  });

  test('its digest binds who comes when, and the bounds', () => {
    const digest = (members: Placed[], over = {}) => plan(members, over).header.digest;
    expect(digest(fleet(20), { id: 'r-2', author: 'bob' })).toBe(digest(fleet(20)));
    expect(digest(fleet(21))).not.toBe(digest(fleet(20)));
    expect(digest(fleet(20), { strategy: withOverrides(CAREFUL, { maxFailed: { count: 3 } }) })).not.toBe(
      digest(fleet(20)),
    );
  });

  test('the order is that of the turns: the canary, then by rank', () => {
    const { header, order: turns } = plan(fleet(200));
    const order = turns.map(({ agent }) => agent);
    expect(turns.every(({ agent, rank: own }) => own === rank('s', agent))).toBe(true);
    expect(order.slice(0, header.canary.length)).toEqual(header.canary);
    const ranks = order.slice(header.canary.length).map((id) => rank('s', id));
    expect(ranks).toEqual([...ranks].sort());
    const stages = order.map((id) => stageOf(header, id, () => rank('s', id), false));
    expect(stages).toEqual([...stages].sort());
  });
});

describe('the canary', () => {
  const strataOf = (members: Placed[], over = {}) =>
    plan(members, { strategy: withOverrides(CAREFUL, { canary: over }) }).strata.map(({ agents, canary }) => [
      agents,
      canary,
    ]);

  test('has one of each kind while there is room, the largest first; the others are named', () => {
    const kinds = Array.from({ length: 12 }, (_, n) => fleet(30 - n, `0.${n}.0`, `k${n}-`)).flat();
    const { header, strata } = plan(kinds);
    expect(header.canary).toHaveLength(10);
    expect(strata.filter(({ canary }) => canary === 0).map(({ name, agents }) => [name, agents])).toEqual([
      ['otelcol 0.10.0', 20],
      ['otelcol 0.11.0', 19],
    ]);
  });

  test('the rest goes by largest remainder', () => {
    const members = [...fleet(700, '0.1.0', 'a'), ...fleet(200, '0.2.0', 'b'), ...fleet(100, '0.3.0', 'c')];
    expect(strataOf(members)).toEqual([
      [700, 7],
      [200, 2],
      [100, 1],
    ]);
    expect(strataOf(members, { size: { count: 4 } })).toEqual([
      [700, 2],
      [200, 1],
      [100, 1],
    ]);
  });

  test('any number of kinds: never more than its size, one of each while there is room (property)', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 25 }), { minLength: 1, maxLength: 14 });
    fc.assert(
      fc.property(sizes, (counts) => {
        const members = counts.flatMap((count, n) => fleet(count, `0.${n}.0`, `k${n}-`));
        const { header, strata } = plan(members);
        expect(header.canary.length).toBeLessThanOrEqual(members.length < 10 ? 1 : 10);
        expect(new Set(header.canary).size).toBe(header.canary.length);
        expect(strata.reduce((sum, { canary }) => sum + canary, 0)).toBe(header.canary.length);
        const tried = strata.filter(({ canary }) => canary > 0);
        expect(tried).toHaveLength(Math.min(strata.length, header.canary.length));
        expect(strata.slice(0, tried.length)).toEqual(tried);
        const sizes = strata.map(({ agents }) => agents);
        expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
      }),
      { numRuns: 200 },
    );
  });

  test('is chosen among those that are there and well, and that its selector takes', () => {
    const ill = { ...agent('ill'), report: { ...agent().report, health: health(false, NOW) } };
    const members = [placed(ill), placed(agent('away'), presence({ connected: false })), placed(agent('well'))];
    for (const seed of ['a', 'b', 'c', 'd']) expect(plan(members, { seed }).header.canary).toEqual(['well']);
    const picked = withOverrides(CAREFUL, { canary: { selector: 'service.version=0.2.0' } });
    const { header } = plan([...fleet(50), ...fleet(3, '0.2.0', 'b')], { strategy: picked });
    expect(header.canary.every((id) => id.startsWith('b'))).toBe(true);
  });

  test('where nobody is well, somebody is first all the same', () => {
    const ill = fleet(12).map(({ agent: one }) =>
      placed({ ...one, report: { ...one.report, health: health(false, NOW) } }),
    );
    const { header } = plan(ill);
    const [first = ''] = header.canary;
    expect(header.canary).toHaveLength(1);
    expect(stageOf(header, first, () => rank('s', first), true)).toBe(0);
  });
});

describe('the stage of an agent', () => {
  const { header } = plan(fleet(1_000));
  const late = Array.from({ length: 1_000 }, (_, n) => `late-${n}`);

  test('late joiners fall by their rank, in shares like the others (I6)', () => {
    const stages = late.map((id) => stageOf(header, id, () => rank('s', id), false));
    const counts = [0, 1, 2, 3].map((stage) => stages.filter((each) => each === stage).length);
    expect(counts[0]).toBe(0);
    expect(counts[1]).toBeGreaterThan(15);
    expect(counts[1]).toBeLessThan(80);
    expect(counts[3]).toBeGreaterThan(650);
  });

  test('who is ill has its turn last', () => {
    const [first = ''] = header.canary;
    expect(late.map((id) => stageOf(header, id, () => rank('s', id), true)).every((stage) => stage === 3)).toBe(true);
    expect(stageOf(header, first, () => rank('s', first), true)).toBe(0);
  });
});

describe('who is left out', () => {
  test('of all denominators, with the reason (I4)', () => {
    const pin = { configuration: 'edge', revision: 1, reason: '', author: '', at: 0, expires: null };
    const members = [
      ...fleet(10),
      placed(agent('none', { capabilities: without('AcceptsRemoteConfig') })),
      placed(agent('mute', { capabilities: without('ReportsRemoteConfig', 'ReportsEffectiveConfig') })),
      placed(agent('shows', { capabilities: without('ReportsRemoteConfig') })),
      placed(agent('pinned', { pin })),
      placed(agent('waits', { admission: 'awaiting-approval' })),
      placed({ ...assigned(entry('failed')), identity: agent('refused').identity }),
    ];
    const { planned, skipped, maxInFlight, carried } = plan(members).header;
    expect([planned, maxInFlight, carried]).toEqual([11, 1, []]);
    expect(skipped.map(({ agent, reason }) => [agent, reason])).toEqual([
      ['mute', 'unverifiable'],
      ['none', 'no-remote-config'],
      ['pinned', 'pinned'],
      ['refused', 'refused-before'],
      ['waits', 'not-admitted'],
    ]);
  });

  test('superseding carries whoever is in flight of any rollout, however old, a retry among them (I1)', () => {
    const of = (id: string, over: Parameters<typeof entry>[1], phase: 'sent' | 'proven' | 'failed' = 'sent') =>
      placed({ ...assigned(entry(phase, over)), identity: agent(id).identity });
    const members = [
      of('older', { source: { kind: 'rollout', rollout: 'r-0' } }),
      of('retried', { source: { kind: 'retry', rollout: 'r-0' } }),
      of('proven', {}, 'proven'),
      of('failed', {}, 'failed'),
      of('pin', { source: { kind: 'pin' } }),
      of('back', { source: { kind: 'rollback', rollout: 'r-0' } }),
    ];
    expect(plan(members).header.carried).toEqual(['older', 'retried']);
  });

  test('the header stands in the log as JSON and comes back the same', () => {
    const { header } = plan(fleet(40));
    expect(JSON.parse(JSON.stringify(header))).toEqual(header);
  });
});

describe('whom to admit', () => {
  const rollout = started({ carried: ['carried'], maxInFlight: 50 });
  const waits = (id: string, over: Partial<AgentIdentity> = {}, where = presence()) => placed(agent(id, over), where);
  const ids = (waiting: Placed[], room = 250) => admissible(rollout, waiting, room, NOW).map((one) => one.agent);

  test('in their order, as many as may be in flight; who was carried over has a place', () => {
    const waiting = ['a', 'b', 'c', 'carried', 'd'].map((id) => waits(id));
    expect(ids(waiting)).toEqual(['a', 'b', 'carried']);
    expect(ids(waiting, 1)).toEqual(['a']);
  });

  test('late is who came into the group after the start; to a first rollout such a one does not come (A.7)', () => {
    const waiting = [NOW - 2_000, NOW].map((since) => waits(`${since}`, { group: { name: 'edge', since } }));
    expect(admissible(rollout, waiting, 9, NOW).map(({ late }) => late)).toEqual([false, true]);
    expect(admissible(started({ from: null }), waiting, 9, NOW)).toHaveLength(1);
  });

  test.each([
    ['is away', waits('a', {}, presence({ connected: false }))],
    ['is not known without gaps', waits('a', {}, presence({ synced: false }))],
    ['comes and goes', waits('a', {}, presence({ departures: [NOW - 3, NOW - 2, NOW - 1] }))],
    ['cannot be a target', waits('a', { admission: 'quarantined' })],
    ['catches up', placed({ ...assigned(entry('sent', { source: { kind: 'catch-up', group: 'edge' } })) })],
    ['goes back', placed({ ...assigned(entry('sent', { source: { kind: 'rollback', rollout: 'r-0' } })) })],
  ])('nobody who %s', (_, member) => expect(ids([member])).toEqual([]));
});
