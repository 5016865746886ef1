/** How the domain's records look over the API: times as RFC 3339, shares and durations as text. */
import type * as api from '@flaghoist/api';
import {
  type Agent,
  type Configuration,
  capabilityNames,
  formatDuration,
  type Group,
  type Health,
  type Instant,
  inFlight,
  type LedgerEntry,
  labelsOf,
  nameOf,
  type Presence,
  type Revision,
  type Rollout,
  type Share,
  type Strategy,
  standing,
  TARGET_STATES,
} from '@flaghoist/fleet';
import type { Member } from '../agents/roster.ts';
import type { JournalEvent } from '../events/journal-event.ts';
import type { RolloutSummary } from '../storage/store.ts';
import { versionOf } from './preconditions.ts';

export const time = (at: Instant): string => new Date(at).toISOString();
export const timeOrNull = (at: Instant | null | undefined): string | null => (at == null ? null : time(at));

const share = (value: Share): number | string => ('count' in value ? value.count : `${value.percent}%`);

function lastSeen({ report }: Agent, presence: Presence): Instant | null {
  if (presence.lastSeen !== null) return presence.lastSeen;
  const times = [report.health?.at, report.reported?.at, report.effective?.at].filter((at) => at !== undefined);
  return times.length === 0 ? null : Math.max(...times);
}

export function agentView({ agent, presence }: Member): api.Agent {
  const { identity, report, assignment } = agent;
  const labels = labelsOf(identity);
  const { sync, state, reason } = standing(agent, presence);
  const { health, reported, effective } = report;
  return {
    id: identity.id,
    instanceUid: identity.instanceUid,
    name: nameOf(identity),
    group: identity.group?.name ?? null,
    labels,
    connected: presence.connected,
    lastSeen: timeOrNull(lastSeen(agent, presence)),
    transport: presence.transport,
    health: health && {
      healthy: health.healthy,
      status: health.status,
      lastError: health.lastError,
      at: time(health.at),
    },
    capabilities: capabilityNames(identity.capabilities),
    version: labels['service.version'] ?? null,
    desired: assignment.desired,
    reported: reported && { ...reported, at: time(reported.at) },
    effective: effective && { digest: effective.digest, at: time(effective.at) },
    admission: identity.admission,
    sync,
    state,
    reason,
  };
}

function healthTree({
  healthy,
  status,
  lastError,
  startTimeUnixNano,
  statusTimeUnixNano,
  attributes,
  components,
}: Health): api.AgentDetail['healthTree'] & object {
  const children = Object.entries(components).map(([name, child]) => [name, healthTree(child)] as const);
  return {
    healthy,
    status,
    lastError,
    startTimeUnixNano,
    statusTimeUnixNano,
    attributes: attributes as api.AgentDetail['identifyingAttributes'],
    components: Object.fromEntries(children),
  };
}

function ledgerView(entry: LedgerEntry): api.LedgerEntryView {
  return {
    revision: entry.revision,
    source: entry.source,
    phase: entry.phase,
    offeredAt: time(entry.offeredAt),
    sentAt: timeOrNull(entry.sentAt),
    receivedAt: timeOrNull(entry.receivedAt),
    applyingAt: timeOrNull(entry.applyingAt),
    appliedAt: timeOrNull(entry.appliedAt),
    failedAt: timeOrNull(entry.failure?.at),
    reason: entry.failure?.reason ?? null,
    errorMessage: entry.failure?.message ?? '',
    effective: entry.effective && {
      verdict: entry.effective.kind,
      why: entry.effective.kind === 'confirmed' ? '' : entry.effective.why,
      at: time(entry.effective.at),
    },
    healthySince: timeOrNull(entry.healthySince),
    provenAt: timeOrNull(entry.provenAt),
    sends: entry.sends,
  };
}

export function agentDetailView(member: Member, ledger: readonly LedgerEntry[]): api.AgentDetail {
  const { identity, report, assignment } = member.agent;
  const attributesView = (value: unknown) => value as api.AgentDetail['identifyingAttributes'];
  return {
    ...agentView(member),
    firstSeen: time(identity.firstSeen),
    identifyingAttributes: attributesView(identity.identifying),
    nonIdentifyingAttributes: attributesView(identity.nonIdentifying),
    operatorLabels: identity.operatorLabels,
    healthTree: report.health && healthTree(report.health),
    components: identity.components && {
      hash: identity.components.hash,
      ids: identity.components.ids as Record<string, string[]> | null,
    },
    pin: identity.pin && {
      ...identity.pin,
      at: time(identity.pin.at),
      expires: timeOrNull(identity.pin.expires),
    },
    refused: assignment.refused.map((refusal) => ({ ...refusal, at: time(refusal.at) })),
    ledger: ledger.map(ledgerView),
  };
}

export function configurationView(row: Configuration, groups: readonly Group[]): api.Configuration {
  return {
    ...row,
    createdAt: time(row.createdAt),
    groups: groups.filter((group) => group.configuration === row.name).map((group) => group.name),
    version: versionOf([row.description]),
  };
}

export const revisionView = (revision: Revision): api.Revision => ({
  ...revision,
  createdAt: time(revision.createdAt),
});

export function groupView(group: Group, agents: number): api.Group {
  const { name, selector, priority, configuration, strategy, stable } = group;
  return {
    name,
    selector,
    priority,
    configuration,
    strategy,
    stable,
    agents,
    createdAt: time(group.createdAt),
    version: versionOf([selector, priority, configuration, strategy]),
  };
}

export function strategyView(strategy: Strategy): api.Strategy {
  return {
    name: strategy.name,
    maxInFlight: share(strategy.maxInFlight),
    maxFailed: share(strategy.maxFailed),
    applyTimeout: formatDuration(strategy.terms.applyTimeout),
    minHealthyTime: formatDuration(strategy.terms.minHealthyTime),
    requireEffective: strategy.terms.requireEffective,
  };
}

/** `pending` agents are those of the plan that are no target yet. */
export function rolloutView(summary: RolloutSummary, rollout: Rollout | undefined, pending: number): api.Rollout {
  const { version: _version, strategy, createdAt, endedAt, ...rest } = summary;
  const counts = Object.fromEntries(TARGET_STATES.map((state) => [state, summary.counts[state]]));
  const open = rollout === undefined ? 0 : inFlight(rollout);
  return {
    ...rest,
    strategy: strategyView(strategy),
    counts: { ...counts, pending } as api.Rollout['counts'],
    inFlight: open,
    createdAt: time(createdAt),
    endedAt: timeOrNull(endedAt),
  };
}

export const eventView = (event: JournalEvent): api.JournalEvent => ({ ...event, at: time(event.at) });
