/** How a ledger entry begins, is sent and gets more time. What the agent says moves it by `rules.ts`. */
import type { Instant, Millis } from '../time.ts';
import type { LedgerEntry } from './ledger.ts';

/** The state of an entry of which nothing was heard yet. */
export const UNHEARD = {
  receivedAt: null,
  applyingAt: null,
  appliedAt: null,
  failure: null,
  healthySince: null,
  unhealthySince: null,
  relapses: 0,
  provenAt: null,
  deadline: null,
} as const satisfies Partial<LedgerEntry>;

export function openEntry(
  beginning: Pick<LedgerEntry, 'revision' | 'source' | 'generation' | 'terms' | 'offeredAt' | 'baseline'>,
): LedgerEntry {
  const unsent = { sentAt: null, sentEpoch: null, sends: 0 };
  return { ...beginning, phase: 'offered', ...unsent, ...UNHEARD, effective: null, extensions: 0, reverts: 0 };
}

/** What makes an entry `sent`: an answer is due, and what an earlier send led to is void. */
export function awaitingAnswer({ terms }: LedgerEntry, now: Instant): Partial<LedgerEntry> {
  return { ...UNHEARD, phase: 'sent', deadline: now + terms.applyTimeout };
}

/** The write-ahead record of a send (I3): to be committed before any byte leaves. */
export function markSent(entry: LedgerEntry, epoch: string, now: Instant): LedgerEntry {
  return { ...entry, ...awaitingAnswer(entry, now), sentAt: now, sentEpoch: epoch, sends: entry.sends + 1 };
}

/** Moves an open deadline by an outage of our own side: nobody fails because we were away (I10). */
export function extendDeadline(entry: LedgerEntry, now: Instant, grace: Millis, most: number): LedgerEntry {
  if (entry.deadline === null || entry.extensions >= most) return entry;
  const proof = entry.phase === 'verifying' ? entry.terms.minHealthyTime : 0;
  const deadline = now + grace + entry.terms.applyTimeout + proof;
  if (deadline <= entry.deadline) return entry;
  return { ...entry, deadline, extensions: entry.extensions + 1 };
}

/** What passed while we did not listen proves nothing: the window of a proof moves by it (S4, I11). */
export function withoutAbsence(entry: LedgerEntry, now: Instant, away: Millis): LedgerEntry {
  if (entry.phase !== 'verifying' || entry.healthySince === null) return entry;
  return { ...entry, healthySince: Math.min(now, entry.healthySince + away) };
}
