import { describe, expect, test } from 'vitest';
import { agent, T0 } from '../../test/samples.ts';
import { grouping } from '../groups/group.ts';
import { LIMITS } from '../limits.ts';
import type { Agent } from './agent.ts';
import { approved, described } from './wandering.ts';

const MINUTE = 60_000;
const group = (name: string, selector: string) => {
  const own = { name, selector, priority: 1, configuration: 'c', strategy: 'careful', createdAt: T0 };
  return { ...own, stable: null, condemned: [], previous: [] };
};
const groupOf = grouping([group('edge', 'role=edge'), group('core', 'role=core')]);
const as = (role: string) => ({ identifying: { role }, nonIdentifying: {} });
const started = (): Agent => described(agent('a-1'), as('edge'), groupOf, T0);

/** The agent after it described itself as these, a minute apart. */
const after = (roles: readonly string[], gap = MINUTE, from = started()): Agent =>
  roles.reduce((one, role, n) => described(one, as(role), groupOf, T0 + (n + 1) * gap), from);

describe('an agent that moves itself from group to group (I7)', () => {
  test('is taken at its word twice, and quarantined the third time', () => {
    expect(after(['core', 'edge']).identity.admission).toBe('open');
    expect(after(['core', 'edge', 'core']).identity.admission).toBe('quarantined');
  });

  test('to no group and back is as bad', () => {
    expect(after(['none', 'edge', 'none', 'edge', 'none']).identity.admission).toBe('quarantined');
  });

  test('seldom enough is no offence', () => {
    const often = after(['core', 'edge', 'core', 'edge', 'core'], LIMITS.wandering.within / 2);
    expect(often.identity).toMatchObject({ admission: 'open', nonIdentifying: {} });
    expect(often.identity.moves).toHaveLength(LIMITS.wandering.times);
  });

  test('other attributes move nobody, nor does the first description', () => {
    const same = { identifying: { role: 'edge', build: 7 }, nonIdentifying: {} };
    expect(described(started(), same, groupOf, T0).identity).toMatchObject(same);
    expect(started().identity.moves).toBeUndefined();
    expect(described(started(), same, groupOf, T0).identity.moves).toBeUndefined();
  });

  test('moved by other groups it has not moved itself', () => {
    const other = grouping([group('all', 'role')]);
    expect(described(started(), as('core'), other, T0 + MINUTE).identity.moves).toBeUndefined();
  });

  test('is let in again by an operator, with a clean sheet; who was revoked stays so', () => {
    const free = approved(after(['core', 'edge', 'core']));
    expect(free.identity.admission).toBe('open');
    expect(free.identity).not.toHaveProperty('moves');
    expect(after(['edge', 'core'], 1, free).identity.admission).toBe('open');
    const { identity } = after(['core', 'edge']);
    const revoked: Agent = { ...started(), identity: { ...identity, admission: 'revoked' } };
    expect(after(['core', 'edge'], 1, revoked).identity.admission).toBe('revoked');
  });
});
