/** A rollout as data, and what can be asked of it. What may happen to it is in `transitions.ts`; the rules are in SPEC.md beside this file. */
import type { AgentId } from '../agents/agent.ts';
import type { RevisionRef } from '../configurations/revision.ts';
import type { FailureReason } from '../convergence/ledger.ts';
import type { Instant } from '../time.ts';
import type { Strategy } from './strategy.ts';
import type { Targets } from './targets.ts';

export const ROLLOUT_STATES = ['running', 'paused', 'succeeded', 'superseded'] as const;
export type RolloutState = (typeof ROLLOUT_STATES)[number];

export const TERMINAL: ReadonlySet<RolloutState> = new Set<RolloutState>(['succeeded', 'superseded']);

export const PAUSE_REASONS = ['failures', 'nothing-proven'] as const;
export type PauseReason = (typeof PAUSE_REASONS)[number];

const OPEN_STATES = ['offered', 'sent', 'applying', 'verifying'] as const;

/** A target that is not listed is pending. */
export const TARGET_STATES = [...OPEN_STATES, 'proven', 'failed', 'deferred', 'skipped'] as const;
export type TargetState = (typeof TARGET_STATES)[number];

/** Targets that count against `maxInFlight` (I1). */
export const OPEN: ReadonlySet<TargetState> = new Set(OPEN_STATES);

export const SKIP_REASONS = [
  'no-remote-config',
  'unverifiable',
  'pinned',
  'refused-before',
  'left-group',
  'not-admitted',
] as const;
export type SkipReason = (typeof SKIP_REASONS)[number];

export interface Target {
  readonly agent: AgentId;
  readonly state: TargetState;
  /** It came into the group after the start. */
  readonly late: boolean;
  readonly reason: FailureReason | SkipReason | 'offline' | null;
  /** The agent's own words, verbatim, where it gave any. */
  readonly message: string;
  readonly at: Instant;
}

/** How a target got on, as the agents' ledger tells it. */
export interface Observation extends Pick<Target, 'agent' | 'reason' | 'message'> {
  readonly state: Exclude<TargetState, 'offered'>;
}

/** What is asked for when a rollout is started. */
export interface RolloutRequest {
  readonly id: string;
  readonly group: string;
  readonly target: RevisionRef;
  /** The group's stable revision when it started. */
  readonly from: RevisionRef | null;
  readonly strategy: Strategy;
  readonly author: string;
  readonly message: string;
  /** The active rollout of the group that this one takes over from. */
  readonly supersedes: string | null;
}

/** What a rollout is born with. Lists instead of sets, because it stands in the log as JSON. */
export interface RolloutHeader extends RolloutRequest {
  /** Denominator of every share and budget, frozen at the start (I4). */
  readonly planned: number;
  readonly maxInFlight: number;
  readonly maxFailed: number;
  readonly carried: readonly AgentId[];
  readonly skipped: readonly Observation[];
}

export interface Rollout extends Omit<RolloutHeader, 'carried' | 'skipped'> {
  readonly createdAt: Instant;
  readonly endedAt: Instant | null;
  readonly state: RolloutState;
  readonly pause: { readonly reason: PauseReason; readonly message: string } | null;
  /** The rollout that took over. */
  readonly supersededBy: string | null;
  readonly targets: Targets<Target>;
  readonly counts: Readonly<Record<TargetState, number>>;
  /** Agents still in flight of the rollout that this one superseded; they count against `maxInFlight` (I1). */
  readonly carried: ReadonlySet<AgentId>;
  /** Number of events folded into this value. */
  readonly version: number;
}

/** What happens to a rollout; its log. An admission is also the order to assign its target to those agents. */
export type RolloutEvent =
  | { readonly type: 'started'; readonly header: RolloutHeader }
  /** These agents may now be offered the revision (I7). */
  | { readonly type: 'admitted'; readonly agents: readonly { readonly agent: AgentId; readonly late: boolean }[] }
  | { readonly type: 'observed'; readonly changes: readonly Observation[] }
  /** Nobody who can be reached is left to admit; `deferred` are those who could not be reached. */
  | { readonly type: 'exhausted'; readonly deferred: readonly AgentId[] }
  | { readonly type: 'superseded'; readonly by: string };

/** How many agents may be holding the revision, or that of a superseded rollout, without proof. */
export function inFlight(rollout: Rollout): number {
  let open = rollout.carried.size;
  for (const state of OPEN) open += rollout.counts[state];
  return open;
}

/**
 * How many more agents may be admitted, also of those who are carried over and so have a place already: what comes after
 * a bad revision goes no faster to who had that (I1).
 */
export function freeOwnSlots(rollout: Rollout): number {
  const own = inFlight(rollout) - rollout.carried.size;
  return rollout.state === 'running' ? Math.max(0, rollout.maxInFlight - own) : 0;
}

/** How many more agents may be admitted now that have no place yet (I1). */
export function freeSlots(rollout: Rollout): number {
  return rollout.state === 'running' ? Math.max(0, rollout.maxInFlight - inFlight(rollout)) : 0;
}

/** Whether the rollout is over once those `away` are all who could still be admitted: unless nobody has shown anything yet. */
export function isOver(rollout: Rollout, away: number): boolean {
  const { planned, counts } = rollout;
  if (rollout.state !== 'running' || inFlight(rollout) > 0) return false;
  return counts.proven + counts.failed > 0 || planned === 0 || away === 0;
}

/** Nobody twice: an agent has one turn, but for those whom the offer never reached or who were skipped. */
export const mayBeAdmitted = ({ targets }: Rollout, agent: AgentId): boolean => {
  const state = targets.get(agent)?.state;
  return state === undefined || state === 'deferred' || state === 'skipped';
};
