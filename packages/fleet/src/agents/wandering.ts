/** Agents whose own attributes move them from group to group (I7): a configuration can change what it is chosen by. */
import type { GroupOf } from '../groups/group.ts';
import { LIMITS } from '../limits.ts';
import type { Instant } from '../time.ts';
import { type Agent, type AgentIdentity, isFrequent, latest } from './agent.ts';

/** The agent as it describes itself now; in quarantine when it has so left its group too often of late. */
export function described(
  agent: Agent,
  description: Pick<AgentIdentity, 'identifying' | 'nonIdentifying'>,
  groupOf: GroupOf,
  now: Instant,
): Agent {
  const before = agent.identity;
  const identity = { ...before, ...description };
  const left = groupOf(before);
  // Under the groups of now, so that whoever changes those moves nobody by this.
  if (left === null || groupOf(identity) === left) return { ...agent, identity };
  const moves = latest(before.moves ?? [], now, LIMITS.wandering);
  const isWandering = before.admission === 'open' && isFrequent(moves, now, LIMITS.wandering);
  return { ...agent, identity: { ...identity, moves, admission: isWandering ? 'quarantined' : before.admission } };
}

/** The agent let in by an operator: what it did before is forgotten. */
export function approved({ identity: { moves: _, ...identity }, ...agent }: Agent): Agent {
  return { ...agent, identity: { ...identity, admission: 'open' } };
}
