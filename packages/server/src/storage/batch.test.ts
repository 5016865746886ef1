import fc from 'fast-check';
import { expect, test } from 'vitest';
import { agent, changesOf, event, group, identity, ledgerEntry, report } from '../../test/storage/samples.ts';
import { coalesce } from './batch.ts';
import type { Change } from './store.ts';

test('only the last row of a key is left, at the place of the first', () => {
  const kept = coalesce([
    { kind: 'mark', name: 'a', value: 1 },
    { kind: 'agent-report', id: 'a', row: report('first') },
    { kind: 'mark', name: 'a', value: 2 },
    { kind: 'agent-report', id: 'b', row: report('other') },
    { kind: 'agent-report', id: 'a', row: report('last') },
  ]);
  expect(kept).toEqual([
    { kind: 'mark', name: 'a', value: 2 },
    { kind: 'agent-report', id: 'a', row: report('last') },
    { kind: 'agent-report', id: 'b', row: report('other') },
  ]);
});

test('the facets of an agent, and the generations of its ledger, do not replace one another', () => {
  const changes: readonly Change[] = [
    ...changesOf(agent('a', 'uid')),
    { kind: 'ledger', id: 'a', row: ledgerEntry(2) },
    { kind: 'ledger', id: '2 a', row: ledgerEntry(1) },
  ];
  expect(coalesce(changes)).toEqual(changes);
});

test('events are all kept', () => {
  const changes = [1, 2, 3].map((seq): Change => ({ kind: 'event', row: event(seq, 'group/edge') }));
  expect(coalesce(changes)).toEqual(changes);
});

test('nothing moves across a deletion', () => {
  const changes: readonly Change[] = [
    { kind: 'group', row: group },
    { kind: 'group-deleted', name: group.name },
    { kind: 'group', row: { ...group, priority: 1 } },
  ];
  expect(coalesce(changes)).toEqual(changes);
});

/** The tables that have rules between their rows, as a database would keep them. */
function apply(changes: readonly Change[]): { uids: Map<string, string>; rows: Map<string, unknown> } {
  const uids = new Map<string, string>();
  const rows = new Map<string, unknown>();
  for (const change of changes) {
    if (change.kind === 'agent-identity') {
      const { id, instanceUid } = change.row;
      if ([...uids].some(([owner, uid]) => uid === instanceUid && owner !== id)) throw new Error('uid taken');
      uids.set(id, instanceUid);
      rows.set(`identity ${id}`, change.row.capabilities);
    } else if (change.kind === 'agent-deleted') {
      uids.delete(change.id);
      for (const key of rows.keys()) if (key.endsWith(` ${change.id}`)) rows.delete(key);
    } else if (change.kind === 'ledger') {
      rows.set(`ledger ${change.row.generation} ${change.id}`, change.row.sends);
    }
  }
  return { uids, rows };
}

const id = fc.constantFrom('a', 'b', 'c');
const anyChange: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(id, fc.constantFrom('u1', 'u2', 'u3', 'u4'), fc.nat(9)).map(
      ([agentId, uid, capabilities]): Change => ({
        kind: 'agent-identity',
        row: { ...identity(agentId, uid), capabilities },
      }),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(id, fc.integer({ min: 1, max: 2 }), fc.nat(9)).map(
      ([agentId, generation, sends]): Change => ({
        kind: 'ledger',
        id: agentId,
        row: { ...ledgerEntry(generation), sends },
      }),
    ),
  },
  { weight: 1, arbitrary: id.map((agentId): Change => ({ kind: 'agent-deleted', id: agentId })) },
);

/** Leaves out what a database would refuse: a uid that another agent has. */
function legal(changes: readonly Change[]): Change[] {
  const taken: Change[] = [];
  for (const change of changes) {
    try {
      apply([...taken, change]);
      taken.push(change);
    } catch {
      // the agent that it names has to wait for its uid
    }
  }
  return taken;
}

test('whatever is merged, the same rows are left, and no instance uid is ever taken twice', () => {
  let merged = 0;
  fc.assert(
    fc.property(fc.array(anyChange, { minLength: 10, maxLength: 40 }).map(legal), (changes) => {
      const kept = coalesce(changes);
      merged += changes.length - kept.length;
      expect(apply(kept)).toEqual(apply(changes));
    }),
    { numRuns: 2_000 },
  );
  expect(merged).toBeGreaterThan(1_000);
});
