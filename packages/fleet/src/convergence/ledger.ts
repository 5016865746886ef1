/**
 * The ledger entry: how far one agent has got with one assignment, each step with its time (the server's clock).
 * See SPEC.md beside this file for the phases, the rules and the invariants.
 */

import type { RevisionRef } from '../configurations/revision.ts';
import type { Instant, Millis } from '../time.ts';

/** Why an agent should run what it should run (I7): every change of `desired` has one of these sources. */
export type AssignmentSource =
  | { readonly kind: 'rollout'; readonly rollout: string }
  /** The way back from that rollout, to the agent's own last good revision; `failedOn` while others go on with it. */
  | { readonly kind: 'rollback'; readonly rollout: string; readonly failedOn?: FailedOn }
  | { readonly kind: 'catch-up'; readonly group: string }
  | { readonly kind: 'pin' }
  /** By a person's word; of a target of that rollout, which waits for its outcome. */
  | { readonly kind: 'retry'; readonly rollout?: string };

/**
 * - `offered`: assigned; no byte has been sent for this assignment.
 * - `sent`: the write-ahead record of sending is committed (I3); the agent has not named the hash.
 * - `received`: the agent named the hash without a verdict (UNSET).
 * - `applying`: it says APPLYING.
 * - `verifying`: it says APPLIED; health, effective config and time are still to agree (S1 to S5).
 * - `proven`: all agree.
 * - `failed`: it did not work out; `failure` says why.
 */
export const PHASES = ['offered', 'sent', 'received', 'applying', 'verifying', 'proven', 'failed'] as const;
export type Phase = (typeof PHASES)[number];

/**
 * Every reason to fail, and what follows from it:
 * - `refusal`: the agent had the revision and did not keep it; the hash is never offered to it again (I5).
 * - `silence`: nothing was heard; what is heard later counts.
 * - `shortfall`: it says APPLIED and something of the proof is missing, which may still come.
 */
const MEANING = {
  /** The agent said FAILED for this hash. */
  'agent-failed': 'refusal',
  /** It said APPLIED for another hash after having taken this one. */
  'agent-reverted': 'refusal',
  /** It came back without any configuration twice. */
  'restart-loop': 'refusal',
  /** No verdict before the deadline, and the agent is gone. */
  'lost-contact': 'silence',
  /** No verdict before the deadline, though the agent is there. */
  'apply-timeout': 'silence',
  /** APPLIED, but not healthy before the deadline, or a component is not that was before. */
  unhealthy: 'shortfall',
  /** APPLIED, but no healthier than it was before it got the revision: that says nothing about the revision (A.5). */
  'unchanged-unhealthy': 'shortfall',
  /** Proven, and unhealthy while its rollout still watched: said of a target; the entry stays `proven`. */
  'late-regression': 'shortfall',
  /** APPLIED, but the effective config does not contain what was offered (S5). */
  'effective-mismatch': 'shortfall',
  /** APPLIED, but the agent must report an effective config and did not. */
  'no-effective-config': 'shortfall',
  /** Sent as often as is allowed, never named; so ends every send to an agent that reports no config at all. */
  'never-acknowledged': 'silence',
  /** It had been sent this and accepts no remote configuration any more: it cannot be asked again. What it shows still counts. */
  'capability-withdrawn': 'shortfall',
  /** Two agents spoke under one instance uid while this was under way. */
  'identity-conflict': 'silence',
} as const;
export type FailureReason = keyof typeof MEANING;
export const FAILURE_REASONS = Object.keys(MEANING) as FailureReason[];

export interface Failure {
  readonly reason: FailureReason;
  /** The agent's own words where it gave any, verbatim; else a sentence of ours. */
  readonly message: string;
  readonly at: Instant;
}

export const meaningOf = (failure: Failure | null) => failure && MEANING[failure.reason];

/** The revision that an agent was taken back from, and why. */
export interface FailedOn extends Pick<Failure, 'reason' | 'message'> {
  readonly revision: RevisionRef;
}

/** What the effective config says of an offer (S5). */
export interface EffectiveVerdict {
  readonly kind: 'confirmed' | 'inconclusive' | 'contradicted';
  /** Empty when it is confirmed. */
  readonly why: string;
}

/** What counts as proof, frozen when the assignment is made. */
export interface Terms {
  /** From the order to the send: who could not be sent it by then is left for later. */
  readonly deliveryTimeout: Millis;
  /** From the send to a verdict. */
  readonly applyTimeout: Millis;
  readonly minHealthyTime: Millis;
  readonly requireEffective: 'never' | 'ifReported' | 'always';
}

/** What was wrong with an agent. One with which nothing was wrong, as far as it told, has none: that is the usual one. */
export interface Baseline {
  readonly healthy: boolean;
  /** Paths of the components that were not healthy, as many as are remembered. */
  readonly unhealthy: readonly string[];
}

export interface LedgerEntry {
  readonly revision: RevisionRef;
  readonly source: AssignmentSource;
  readonly generation: number;
  readonly terms: Terms;
  readonly phase: Phase;
  readonly offeredAt: Instant;
  readonly sentAt: Instant | null;
  /** Connection epoch on which it was last sent. */
  readonly sentEpoch: string | null;
  readonly sends: number;
  readonly receivedAt: Instant | null;
  readonly applyingAt: Instant | null;
  readonly appliedAt: Instant | null;
  readonly failure: Failure | null;
  readonly effective: (EffectiveVerdict & { readonly at: Instant }) | null;
  /** Since when it has been healthy without interruption after the send. */
  readonly healthySince: Instant | null;
  /** Since when it has been unhealthy after the proof. */
  readonly unhealthySince: Instant | null;
  /** How often it lost its health since the proof. */
  readonly relapses: number;
  /** What was wrong with the agent when this was assigned; null for one in order. */
  readonly baseline: Baseline | null;
  readonly provenAt: Instant | null;
  /** When a verdict is due; null while nothing was sent and once it is settled. */
  readonly deadline: Instant | null;
  /** How often the deadline was moved because our side was down (I10). */
  readonly extensions: number;
  /** How often the agent came back with another hash after a restart. */
  readonly reverts: number;
}

/**
 * True of what goes to many agents, of whom only some may have it at a time (I1, I6). Not of a way back: it ends exposure,
 * so it is offered until it is taken.
 */
export const goesToMany = (entry: LedgerEntry): boolean =>
  entry.source.kind === 'catch-up' || broughtBy(entry) !== undefined;

/** The rollout whose revision this is: not of a way back from it. */
export function broughtBy(entry: LedgerEntry | null): string | undefined {
  const { source } = entry ?? {};
  return source?.kind === 'rollout' || source?.kind === 'retry' ? source.rollout : undefined;
}

/** What the agent was taken back from, while others went on with it. */
export const failedOn = (entry: LedgerEntry | null): FailedOn | undefined =>
  entry?.source.kind === 'rollback' ? entry.source.failedOn : undefined;

/** True while the agent may be holding or applying the revision without proof (I1). */
export const isOpen = (entry: LedgerEntry | null): boolean =>
  entry !== null && entry.phase !== 'proven' && entry.phase !== 'failed';
