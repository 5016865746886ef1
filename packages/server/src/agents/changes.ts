import type { Change } from '../storage/store.ts';
import type { Member } from './roster.ts';

/** The rows that differ from what the store holds, facet by facet; marks them as committed. */
export function changesOf(member: Member): Change[] {
  const { agent, committed, gone } = member;
  const { identity, report, assignment, ledger } = agent;
  const { id } = identity;
  if (agent === committed) return [];
  member.committed = agent;
  if (gone) return [{ kind: 'agent-deleted', id }];
  const changes: Change[] = [];
  if (identity !== committed?.identity) changes.push({ kind: 'agent-identity', row: identity });
  if (report !== committed?.report) changes.push({ kind: 'agent-report', id, row: report });
  if (assignment !== committed?.assignment) changes.push({ kind: 'agent-assignment', id, row: assignment });
  if (ledger !== null && ledger !== committed?.ledger) changes.push({ kind: 'ledger', id, row: ledger });
  return changes;
}
