/** What was proven and does not hold while its rollout still watches (A.4, late regression). */
import type { Agent, Presence } from '../agents/agent.ts';
import type { Instant, Millis } from '../time.ts';
import { worsened } from './baseline.ts';
import type { Failure, LedgerEntry } from './ledger.ts';

/** Ill health that passes within this is none, once: collectors say so of a queue that was full for a moment. */
export const REGRESSION_GRACE: Millis = 15_000;

/** A Supervisor starts a dead Collector again after 5 s: one that dies again and again is never ill for long. */
const MOST_RELAPSES = 1;

/**
 * How the agent has regressed since the proof of `entry`, its own; undefined while it has not, or while that is not known:
 * who was not heard since our own start is gone from when the caller says so in `disconnectedAt` (I10).
 */
export function regression(
  { report: { health } }: Agent,
  { connected, synced, disconnectedAt }: Presence,
  { phase, unhealthySince, relapses, terms, baseline }: LedgerEntry,
  now: Instant,
): (Pick<Failure, 'message'> & { readonly reason: 'late-regression' | 'lost-contact' }) | undefined {
  if (phase !== 'proven') return undefined;
  if (!connected) {
    if (disconnectedAt === null || now - disconnectedAt <= terms.applyTimeout) return undefined;
    const message = `proven, and then gone for more than ${terms.applyTimeout / 1_000} s`;
    return { reason: 'lost-contact', message };
  }
  if (!synced || unhealthySince === null) return undefined;
  if (relapses <= MOST_RELAPSES && now - unhealthySince <= REGRESSION_GRACE) return undefined;
  const part = health?.healthy ? worsened(health, baseline) : undefined;
  const message = health?.lastError || `${part ?? 'the agent'} was healthy when this was proven, and is not any more`;
  return { reason: 'late-regression', message };
}
