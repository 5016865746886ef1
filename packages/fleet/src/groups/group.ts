import type { Labels } from '../agents/agent.ts';
import { matches, parseSelector } from '../agents/selector.ts';
import type { RevisionRef } from '../configurations/revision.ts';
import type { Instant } from '../time.ts';

export interface Group {
  readonly name: string;
  readonly selector: string;
  /** Higher wins; equal priorities resolve by name. */
  readonly priority: number;
  readonly configuration: string;
  /** Name of the strategy that its rollouts use unless one is given. */
  readonly strategy: string;
  /** The revision that new and returning agents get: the last one whose rollout succeeded. */
  readonly stable: RevisionRef | null;
  readonly createdAt: Instant;
}

/** The one group that an agent with these labels is in, or none. */
export type GroupOf = (labels: Labels) => string | null;

/** The order in which groups are asked: higher priority first, then by name. Deterministic, so every replica agrees. */
export function resolutionOrder<G extends Pick<Group, 'name' | 'priority'>>(groups: Iterable<G>): G[] {
  return [...groups].sort((a, b) => b.priority - a.priority || (a.name < b.name ? -1 : 1));
}

export function grouping(groups: Iterable<Group>): GroupOf {
  const ordered = resolutionOrder(groups).map(({ name, selector }) => ({ name, selector: parseSelector(selector) }));
  return (labels) => ordered.find(({ selector }) => matches(selector, labels))?.name ?? null;
}
