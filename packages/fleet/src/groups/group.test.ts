import { describe, expect, test } from 'vitest';
import { T0 } from '../../test/samples.ts';
import { type Labels, newAgent } from '../agents/agent.ts';
import { FleetError } from '../errors.ts';
import { type Group, grouping, resolutionOrder } from './group.ts';

const group = (name: string, selector: string, priority = 100): Group => ({
  name,
  selector,
  priority,
  configuration: 'edge',
  strategy: 'all-at-once',
  stable: null,
  previous: [],
  condemned: [],
  createdAt: T0,
});

const labelled = (operatorLabels: Labels) => ({ ...newAgent('a', 'u', T0).identity, operatorLabels });

describe('grouping', () => {
  const groups = [
    group('b', 'role=edge'),
    group('a', 'role=edge'),
    group('special', 'role=edge,canary', 200),
    group('rest', '', 1),
  ];

  test('higher priority first, then by name, whatever the order given', () => {
    const names = resolutionOrder(groups).map(({ name }) => name);
    expect(names).toEqual(['special', 'a', 'b', 'rest']);
    expect(resolutionOrder([...groups].reverse()).map(({ name }) => name)).toEqual(names);
  });

  test('an agent is in the first that selects it, and in no other', () => {
    const groupOf = grouping(groups);
    expect(groupOf(labelled({ role: 'edge', canary: 'yes' }))).toBe('special');
    expect(groupOf(labelled({ role: 'edge' }))).toBe('a');
    expect(groupOf(labelled({}))).toBe('rest');
  });

  test('or in none', () => {
    expect(grouping([group('a', 'role=edge')])(labelled({ role: 'core' }))).toBeNull();
    expect(grouping([])(labelled({}))).toBeNull();
  });

  test('a bad selector is refused when the groups are read', () => {
    expect(() => grouping([group('a', 'role in')])).toThrow(FleetError);
  });
});
