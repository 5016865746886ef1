/**
 * The ledger entry: how far one agent has got with one assignment, each step with its time (the server's clock).
 * See SPEC.md beside this file for the phases, the rules and the invariants.
 */

import type { RevisionRef } from '../configurations/revision.ts';
import type { Instant, Millis } from '../time.ts';
import type { AssignmentSource } from './source.ts';

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

/** The phases in which the agent may be holding or applying the revision without proof (I1). */
export const IN_FLIGHT: ReadonlySet<Phase> = new Set<Phase>(['offered', 'sent', 'received', 'applying', 'verifying']);

export const FAILURE_REASONS = [
  /** The agent said FAILED for this hash. */
  'agent-failed',
  /** It said APPLIED for another hash after having taken this one. */
  'agent-reverted',
  /** It came back without any configuration twice. */
  'restart-loop',
  /** No verdict before the deadline, and the agent is gone. */
  'lost-contact',
  /** No verdict before the deadline, though the agent is there. */
  'apply-timeout',
  /** APPLIED, but not healthy before the deadline. */
  'unhealthy',
  /** APPLIED, but the effective config does not contain what was offered (S5). */
  'effective-mismatch',
  /** APPLIED, but the agent must report an effective config and did not. */
  'no-effective-config',
  /** Sent as often as is allowed, never named; so ends every send to an agent that reports no config at all. */
  'never-acknowledged',
  /** Two agents spoke under one instance uid while this was under way. */
  'identity-conflict',
] as const;
export type FailureReason = (typeof FAILURE_REASONS)[number];

export interface Failure {
  readonly reason: FailureReason;
  /** The agent's own words where it gave any, verbatim; else a sentence of ours. */
  readonly message: string;
  readonly at: Instant;
}

/** What the effective config says of an offer (S5). */
export type EffectiveVerdict =
  | { readonly kind: 'confirmed' }
  | { readonly kind: 'inconclusive'; readonly why: string }
  | { readonly kind: 'contradicted'; readonly why: string };

/** What counts as proof, frozen when the assignment is made. */
export interface Terms {
  readonly applyTimeout: Millis;
  readonly minHealthyTime: Millis;
  readonly requireEffective: 'never' | 'ifReported' | 'always';
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
  readonly provenAt: Instant | null;
  /** When a verdict is due; null while nothing was sent and once it is settled. */
  readonly deadline: Instant | null;
  /** How often the deadline was moved because our side was down (I10). */
  readonly extensions: number;
  /** How often the agent came back with another hash after a restart. */
  readonly reverts: number;
  /** Another revision that was sent before this one and that the agent has not named: it may still come into force. */
  readonly overtakes?: Overtaken;
}

/** `until` is when the agent would have had to answer. */
export interface Overtaken {
  readonly hash: string;
  readonly epoch: string | null;
  readonly sentAt: Instant;
  readonly until: Instant;
}

export function openEntry(
  revision: RevisionRef,
  source: AssignmentSource,
  generation: number,
  terms: Terms,
  now: Instant,
): LedgerEntry {
  return {
    revision,
    source,
    generation,
    terms,
    phase: 'offered',
    offeredAt: now,
    sentAt: null,
    sentEpoch: null,
    sends: 0,
    receivedAt: null,
    applyingAt: null,
    appliedAt: null,
    failure: null,
    effective: null,
    healthySince: null,
    provenAt: null,
    deadline: null,
    extensions: 0,
    reverts: 0,
  };
}

/** The write-ahead record of a send (I3): to be committed before any byte leaves. What an earlier send led to is void. */
export function markSent(entry: LedgerEntry, epoch: string, now: Instant): LedgerEntry {
  return {
    ...entry,
    phase: 'sent',
    sentAt: now,
    sentEpoch: epoch,
    sends: entry.sends + 1,
    receivedAt: null,
    applyingAt: null,
    appliedAt: null,
    failure: null,
    healthySince: null,
    deadline: now + entry.terms.applyTimeout,
  };
}

/** Moves an open deadline by an outage of our own side: nobody fails because we were away (I10). */
export function extendDeadline(entry: LedgerEntry, now: Instant, grace: Millis, most: number): LedgerEntry {
  if (entry.deadline === null || entry.extensions >= most) return entry;
  const proof = entry.phase === 'verifying' ? entry.terms.minHealthyTime : 0;
  const deadline = now + grace + entry.terms.applyTimeout + proof;
  if (deadline <= entry.deadline) return entry;
  return { ...entry, deadline, extensions: entry.extensions + 1 };
}
