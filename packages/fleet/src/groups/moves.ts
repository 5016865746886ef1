/** What an edit of labels or groups would make agents run without a rollout (I7). */
import type { Agent, AgentId, AgentIdentity } from '../agents/agent.ts';
import type { RevisionRef } from '../configurations/revision.ts';
import { FleetError } from '../errors.ts';
import { boundsOf, type Strategy } from '../rollouts/strategy.ts';
import type { GroupOf } from './group.ts';

/** An agent, and its identity as the edit would make it. */
export interface Edited {
  readonly agent: Agent;
  readonly identity: AgentIdentity;
}

/** A group as the edit would leave it. */
export interface Destination {
  readonly stable: RevisionRef | null;
  readonly strategy: Pick<Strategy, 'maxInFlight' | 'maxFailed' | 'maxLost' | 'maxDeferred'>;
}

/** By group, how many agents it would have, and which of them would be given another revision than they should run now. */
export function movesOf(agents: Iterable<Edited>, groupOf: GroupOf, stableOf: (group: string) => RevisionRef | null) {
  const groups = new Map<string, { size: number; moved: AgentId[] }>();
  for (const { agent, identity } of agents) {
    const name = groupOf(identity);
    if (name === null) continue;
    const group = groups.get(name) ?? { size: 0, moved: [] };
    groups.set(name, group);
    group.size += 1;
    const stable = stableOf(name);
    const runs = agent.ledger?.revision.hash ?? agent.report.reported?.hash;
    const isHeld = identity.pin !== null || agent.identity.group?.name === name;
    if (stable !== null && !isHeld && runs !== stable.hash) group.moved.push(identity.id);
  }
  return groups;
}

/**
 * Agents that come into a group get its stable revision by the lane, without stages: no more of them than may be in flight
 * at a time. @throws FleetError `conflict` with the numbers and what to do instead (I7).
 */
export function refuseUnstaged(
  agents: Iterable<Edited>,
  groupOf: GroupOf,
  destinationOf: (group: string) => Destination,
): void {
  for (const [name, { size, moved }] of movesOf(agents, groupOf, (group) => destinationOf(group).stable)) {
    const { stable, strategy } = destinationOf(name);
    const most = Math.max(1, boundsOf(strategy, size).maxInFlight);
    if (stable === null || moved.length <= most) continue;
    const revision = `${stable.configuration}@${stable.revision}`;
    throw new FleetError(
      'conflict',
      `${moved.length} agents would come into group ${name} and get ${revision} without stages; ${most} may at a time. ` +
        'Move fewer at a time, or give them a new group, in which they keep what they run, and start a rollout there',
    );
  }
}
