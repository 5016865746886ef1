import type { AgentIdentity } from '../agents/agent.ts';
import { labelsOf } from '../agents/labels.ts';
import { matches, parseSelector } from '../agents/selector.ts';
import type { RevisionRef } from '../configurations/revision.ts';
import type { StrategyChoice } from '../rollouts/own-strategy.ts';
import type { Instant } from '../time.ts';

export interface Group {
  readonly name: string;
  readonly selector: string;
  /** Higher wins; equal priorities resolve by name. */
  readonly priority: number;
  readonly configuration: string;
  /** How its rollouts go unless something else is given. */
  readonly strategy: StrategyChoice;
  /** The revision that new and returning agents get: the last one whose rollout succeeded. */
  readonly stable: RevisionRef | null;
  /** The ones before it, newest first: to one of these it goes back without stages (A.7). */
  readonly previous: readonly RevisionRef[];
  /** Hashes that a rollback took back: never rolled out here again (I9). */
  readonly condemned: readonly string[];
  /** Of one that is kept for what was condemned in it alone. */
  readonly deletedAt?: Instant;
  readonly createdAt: Instant;
}

/** The one group that an agent with these labels is in, or none. */
export type GroupOf = (identity: AgentIdentity) => string | null;

/** The order in which groups are asked: higher priority first, then by name. Deterministic, so every replica agrees. */
export function resolutionOrder<G extends Pick<Group, 'name' | 'priority'>>(groups: Iterable<G>): G[] {
  return [...groups].sort((a, b) => b.priority - a.priority || (a.name < b.name ? -1 : 1));
}

export function grouping(groups: Iterable<Group>): GroupOf {
  const ordered = resolutionOrder(groups).map(({ name, selector }) => ({ name, selector: parseSelector(selector) }));
  // Asked with every report of an agent, whose identity seldom changes.
  const known = new WeakMap<AgentIdentity, string | null>();
  return (identity) => {
    const before = known.get(identity);
    if (before !== undefined) return before;
    const labels = labelsOf(identity);
    const group = ordered.find(({ selector }) => matches(selector, labels))?.name ?? null;
    known.set(identity, group);
    return group;
  };
}
