import { expect, test } from 'vitest';
import { Roster } from './roster.ts';

const UID = '018f3a2b4c5d7e6f8091a2b3c4d5e6f7';

test('who was deleted is found by nothing that its old connection still says (X4)', () => {
  const roster = new Roster([]);
  const member = roster.enrol(UID, 0);
  roster.remove(member, 1);
  const { agent } = member;
  roster.update(member, { ...agent, identity: { ...agent.identity, group: { name: 'edge', since: 1 } } });
  roster.present(member, { ...member.presence, connected: true });
  expect([roster.find(UID), [...roster.inGroup('edge')], [...roster.all()]]).toEqual([undefined, [], []]);
  expect(roster.enrol(UID, 1)).not.toBe(member);
});
