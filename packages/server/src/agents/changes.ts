import type { Change } from '../storage/store.ts';
import type { Member } from './roster.ts';

/** The rows that differ from what the store holds, facet by facet; marks them as committed. */
export function changesOf(member: Member): Change[] {
  const { agent, committed } = member;
  const { id } = agent.identity;
  const changes: Change[] = [];
  if (agent.identity !== committed?.identity) changes.push({ kind: 'agent-identity', row: agent.identity });
  if (agent.report !== committed?.report) changes.push({ kind: 'agent-report', id, row: agent.report });
  if (agent.assignment !== committed?.assignment) changes.push({ kind: 'agent-assignment', id, row: agent.assignment });
  if (agent.ledger !== null && agent.ledger !== committed?.ledger)
    changes.push({ kind: 'ledger', id, row: agent.ledger });
  member.committed = agent;
  return changes;
}
