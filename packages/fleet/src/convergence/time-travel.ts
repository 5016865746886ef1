import type { Agent } from '../agents/agent.ts';
import type { Instant } from '../time.ts';
import { isOpen, type LedgerEntry } from './ledger.ts';

/**
 * The configuration (hash) that an agent names although it was never assigned to it by this database (I14): the database is
 * older than what was done with it, or somebody else gave the agent that. Whoever names one is to count as exposed to it.
 * `history` is every entry of the agent's ledger that is kept; undefined also when its beginning is not, so that an agent
 * that came back from an old disk of its own is no false alarm. What the agent refused is no sign that it was assigned.
 */
export function unassignedHash({ report, assignment, ledger }: Agent, history: readonly LedgerEntry[]) {
  const named = report.reported?.hash ?? '';
  const { generation, proven, leftOnTheWay } = assignment;
  const assigned = [...history, ...(ledger ? [ledger] : [])].map(({ revision }) => revision);
  if (named === '' || leftOnTheWay?.hash === named) return undefined;
  if ([...assigned, ...proven].some(({ hash }) => hash === named)) return undefined;
  const isWhole = generation === 0 || history.some((entry) => entry.generation === 1);
  return isWhole ? named : undefined;
}

/**
 * Whether the agent has outlived what is wanted of it: the database went back in time at `travelledAt`, the assignment is
 * older, and the agent names what that database does not know it to have had (I14). To offer it the old one again would take
 * the whole fleet back at once, as a restart of it from an old disk; only somebody who wants it anew may. What was under way
 * before is bounded (I1), and goes on.
 */
export function isOutlived({ report, assignment, ledger }: Agent, travelledAt: Instant | null): boolean {
  const named = report.reported?.hash ?? '';
  if (travelledAt === null || ledger === null || ledger.offeredAt >= travelledAt) return false;
  if (isOpen(ledger) && ledger.reverts === 0) return false;
  return named !== '' && ![ledger.revision, ...assignment.proven].some(({ hash }) => hash === named);
}
