import type { Agent } from '../agents/agent.ts';
import type { LedgerEntry } from './ledger.ts';

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
