/** How an agent is told of: what its record says is given as it stands, and the contract picks its fields from it. */
import {
  type Agent,
  capabilityNames,
  type Instant,
  type LedgerEntry,
  labelsOf,
  nameOf,
  type Presence,
  standing,
} from '@flaghoist/fleet';
import type { Member } from '../agents/roster.ts';

function lastSeen({ report }: Agent, presence: Presence): Instant | null {
  if (presence.lastSeen !== null) return presence.lastSeen;
  const times = [report.health?.at, report.reported?.at, report.effective?.at].filter((at) => at !== undefined);
  return times.length === 0 ? null : Math.max(...times);
}

export function agentView({ agent, presence }: Member) {
  const { identity, report, ledger } = agent;
  const labels = labelsOf(identity);
  return {
    ...identity,
    ...presence,
    ...report,
    ...standing(agent, presence),
    desired: ledger?.revision ?? null,
    name: nameOf(identity),
    group: identity.group?.name ?? null,
    labels,
    version: labels['service.version'] ?? null,
    capabilities: capabilityNames(identity.capabilities),
    lastSeen: lastSeen(agent, presence),
  };
}

const ledgerView = (entry: LedgerEntry) => ({
  ...entry,
  failedAt: entry.failure?.at ?? null,
  reason: entry.failure?.reason ?? null,
  errorMessage: entry.failure?.message ?? '',
  effective: entry.effective && { ...entry.effective, verdict: entry.effective.kind },
});

/** `past` is what the store says of earlier assignments; of the present one the agent itself knows more. */
export function agentDetailView(member: Member, past: readonly LedgerEntry[]) {
  const { identity, report, assignment, ledger } = member.agent;
  const before = past.filter(({ generation }) => generation !== ledger?.generation);
  return {
    ...agentView(member),
    identifyingAttributes: identity.identifying,
    nonIdentifyingAttributes: identity.nonIdentifying,
    healthTree: report.health,
    refused: assignment.refused,
    ledger: (ledger === null ? before : [ledger, ...before]).map(ledgerView),
  };
}
