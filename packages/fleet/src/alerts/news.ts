import { LIMITS } from '../limits.ts';
import type { Instant } from '../time.ts';
import type { Alert, AlertFacts } from './alert.ts';

export type AlertNews = 'raised' | 'updated' | 'resolved';

/** What is known of the matter that an alert is of. */
export interface Matter {
  /** As it was told last; null while nothing was. */
  readonly told: Alert | null;
  readonly facts: AlertFacts;
  /** When its cause went; null while it is there. */
  readonly goneSince: Instant | null;
}

const reasonOf = ({ causes, count }: AlertFacts) => (count === 0 ? causes[0]?.reason : undefined);

/**
 * What is to be told now, if anything. Few words for many agents: 10,000 that fail one after the other are told of once and
 * updated 14 times, each time that they are twice as many. Cheap: it is asked several times a second.
 */
export function newsOf({ told, facts, goneSince }: Matter, now: Instant): AlertNews | undefined {
  if (told === null) return goneSince === null ? 'raised' : undefined;
  if (goneSince !== null) return now - goneSince >= LIMITS.alertQuiet ? 'resolved' : undefined;
  const since = now - told.updatedAt;
  const isMore = facts.count >= 2 * told.count && facts.count > 0;
  const isOther = reasonOf(facts) !== reasonOf(told);
  if (isMore || isOther) return since >= LIMITS.alertPace ? 'updated' : undefined;
  const isSame = facts.count === told.count && facts.remaining === told.remaining;
  return !isSame && since >= LIMITS.alertSlowPace ? 'updated' : undefined;
}
