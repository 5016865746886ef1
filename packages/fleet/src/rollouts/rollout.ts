/** A rollout as data. What may happen to it is in `transitions.ts`; the rules are in SPEC.md beside this file. */

import type { AgentId } from '../agents/agent.ts';
import type { RevisionRef } from '../configurations/revision.ts';
import type { FailureReason } from '../convergence/ledger.ts';
import type { Instant } from '../time.ts';
import type { Strategy } from './strategy.ts';

export const ROLLOUT_STATES = ['running', 'paused', 'succeeded', 'superseded'] as const;
export type RolloutState = (typeof ROLLOUT_STATES)[number];

export const TERMINAL: ReadonlySet<RolloutState> = new Set<RolloutState>(['succeeded', 'superseded']);

export const PAUSE_REASONS = ['failures', 'nothing-proven'] as const;
export type PauseReason = (typeof PAUSE_REASONS)[number];

/** `late` came into the group after the start. A target that is not listed is pending. */
export const TARGET_STATES = [
  'offered',
  'sent',
  'applying',
  'verifying',
  'proven',
  'failed',
  'deferred',
  'skipped',
] as const;
export type TargetState = (typeof TARGET_STATES)[number];

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
  readonly late: boolean;
  readonly reason: FailureReason | SkipReason | 'offline' | null;
  /** The agent's own words, verbatim, where it gave any. */
  readonly message: string;
  readonly at: Instant;
}

export interface Rollout {
  readonly id: string;
  readonly group: string;
  readonly target: RevisionRef;
  /** The group's stable revision when it started. */
  readonly from: RevisionRef | null;
  readonly strategy: Strategy;
  /** Denominator of every share and budget, frozen at the start (I4). */
  readonly planned: number;
  readonly maxInFlight: number;
  readonly maxFailed: number;
  readonly author: string;
  readonly message: string;
  readonly createdAt: Instant;
  readonly endedAt: Instant | null;
  readonly state: RolloutState;
  readonly pause: { readonly reason: PauseReason; readonly message: string } | null;
  /** The rollout that took over, or that this one took over from. */
  readonly supersededBy: string | null;
  readonly supersedes: string | null;
  readonly targets: ReadonlyMap<AgentId, Target>;
  readonly counts: Readonly<Record<TargetState, number>>;
  /** Agents still in flight of the rollout that this one superseded; they count against `maxInFlight` (I1). */
  readonly carried: ReadonlySet<AgentId>;
  /** Number of events folded into this value. */
  readonly version: number;
}
