import { expect, test } from 'vitest';
import { T0 } from '../../test/samples.ts';
import { type Agent, newAgent } from '../agents/agent.ts';
import { strategyNamed } from '../rollouts/strategy.ts';
import { type Group, grouping } from './group.ts';
import { type Edited, movesOf, refuseUnstaged } from './moves.ts';

const ref = (revision: number) => ({ configuration: 'edge', revision, hash: `h${revision}` });
const group = (name: string, selector: string, stable: Group['stable']): Group => ({
  ...{ name, selector, priority: 100, configuration: 'edge', strategy: 'careful', stable, createdAt: T0 },
  ...{ previous: [], condemned: [] },
});

/** An agent labelled `role=ROLE` that is in a group of that name and says that it runs `hash`. */
function agent(id: string, role: string, hash: string, more: Partial<Agent['identity']> = {}): Agent {
  const { report, ...one } = newAgent(id, id, T0);
  const identity = { ...one.identity, operatorLabels: { role }, group: { name: role, since: T0 }, ...more };
  const reported = { hash, status: 'APPLIED', errorMessage: '', at: T0 } as const;
  return { ...one, identity, report: { ...report, reported } };
}
const same = (agents: readonly Agent[]): Edited[] => agents.map((one) => ({ agent: one, identity: one.identity }));

const careful = strategyNamed('careful');
const after = [group('edge', 'role in (edge,core)', ref(2)), group('core', 'role=none', ref(1))];
const destinationOf = (name: string) => ({
  stable: after.find((one) => one.name === name)?.stable ?? null,
  strategy: careful,
});
const refuse = (agents: readonly Agent[]) => () => refuseUnstaged(same(agents), grouping(after), destinationOf);

const cores = (count: number, hash = 'h1') => Array.from({ length: count }, (_, at) => agent(`c${at}`, 'core', hash));
const edges = (count: number) => Array.from({ length: count }, (_, at) => agent(`e${at}`, 'edge', 'h2'));

test('more agents than may be in flight do not change what they run by an edit (I7)', () => {
  // 40 in all, of whom careful has 2 in flight.
  expect(refuse([...edges(38), ...cores(2)])).not.toThrow();
  expect(refuse([...edges(37), ...cores(3)])).toThrow(
    '3 agents would come into group edge and get edge@2 without stages; 2 may at a time.',
  );
  expect(refuse([...edges(1), ...cores(1)])).not.toThrow();
});

test('who runs it already, is pinned or was in the group before does not count; a group without a revision gives none', () => {
  const pin = { configuration: 'edge', revision: 1, reason: '', author: '', at: T0, expires: null };
  expect(refuse([...edges(10), ...cores(10, 'h2')])).not.toThrow();
  expect(
    refuse([...edges(10), ...cores(10).map((one) => ({ ...one, identity: { ...one.identity, pin } }))]),
  ).not.toThrow();
  const fresh = grouping([group('new', '', null)]);
  expect(() => refuseUnstaged(same(cores(50)), fresh, () => ({ stable: null, strategy: careful }))).not.toThrow();
});

test('of a label the agents are judged as it would make them', () => {
  const moved = cores(3).map((one) => ({
    agent: one,
    identity: { ...one.identity, operatorLabels: { role: 'edge' } },
  }));
  const before = grouping([group('edge', 'role=edge', ref(2)), group('core', 'role=core', ref(1))]);
  expect(movesOf(moved, before, () => ref(2)).get('edge')?.moved).toEqual(['c0', 'c1', 'c2']);
  expect(movesOf(same(cores(3)), before, () => ref(2)).get('core')?.moved).toEqual([]);
});
