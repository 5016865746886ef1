import type { Agent, AgentId } from '../agents/agent.ts';
import type { Instant } from '../time.ts';
import type { Degraded } from './control-group.ts';
import type { Placed } from './plan.ts';

/** What a rollout must know of the world beside itself. What costs something is asked for only when it matters. */
export interface Surroundings {
  /** Those without a turn, of the open stage and those before it, in their order. */
  readonly waiting: () => Iterable<Placed>;
  /** Those without a turn, of all stages. */
  readonly untouched: () => Iterable<Placed>;
  /** Any agent that there is. */
  readonly member: (agent: AgentId) => Agent | undefined;
  /** How the untouched agents of the group get on (A.5). */
  readonly control: () => Degraded;
  /** Hashes that were condemned for the group (I9). */
  readonly condemned: ReadonlySet<string>;
  /** Proven targets that may not be well any more: away, ill, or not heard since our own start. */
  readonly doubtful: () => Iterable<Placed>;
  /** Our own start: what waited for somebody else before begins anew then (I10). */
  readonly upSince: Instant;
  /** Agents still get time to come back after that: nobody counts as away, nothing passes. */
  readonly isReturning: () => boolean;
  /** How many agents may be admitted, or taken back, in this turn. */
  readonly room: number;
  /** How many more all rollouts of one push to several groups may have in flight. */
  readonly familyRoom: number;
  /** A sibling in such a push that was stopped by what it met. */
  readonly trippedSibling: string | null;
}
