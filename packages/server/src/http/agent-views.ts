/** How an agent is told of: what its record says is given as it stands, and the contract picks its fields from it. */
import { capabilityNames, type LedgerEntry, labelsOf, nameOf, standing } from '@flaghoist/fleet';
import type { Member } from '../agents/roster.ts';

export function agentView({ agent, presence }: Member) {
  const { identity, report, ledger } = agent;
  const labels = labelsOf(identity);
  // After our own start, until it is heard: its last report.
  const reports = Object.values(report).flatMap((part) => part?.at ?? []);
  const lastReport = reports.length === 0 ? null : Math.max(...reports);
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
    lastSeen: presence.lastSeen ?? lastReport,
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
