import type { Handlers } from '@flaghoist/api';
import { capabilityNames, labelsOf, standing } from '@flaghoist/fleet';
import type { ControlPlane } from '../control-plane.ts';

/** How often each value occurs. */
function tally(values: Iterable<string>): Record<string, number> {
  const alike = Map.groupBy(values, (value) => value);
  return Object.fromEntries(Array.from(alike, ([value, { length }]) => [value, length]));
}

/** The dashboard's and the monitoring system's one call. */
function countFleet({ roster, groups, journal, alerts }: ControlPlane) {
  const all = Array.from(roster.all(), ({ agent: { identity }, agent, presence }) => ({
    group: identity.group?.name ?? null,
    connected: presence.connected,
    state: standing(agent, presence).state,
    version: labelsOf(identity)['service.version'] ?? '',
    capabilities: capabilityNames(identity.capabilities),
  }));
  const countsOf = (agents: typeof all) => ({
    total: agents.length,
    connected: agents.filter(({ connected }) => connected).length,
    states: tally(agents.map(({ state }) => state)),
  });
  const members = Map.groupBy(all, ({ group }) => group);
  const names = new Set([...groups.list().map(({ name }) => name), ...members.keys()]);
  return {
    ...countsOf(all),
    groups: Array.from(names, (name) => ({ name, ...countsOf(members.get(name) ?? []) })),
    versions: tally(all.map(({ version }) => version)),
    capabilities: tally(all.flatMap(({ capabilities }) => capabilities)),
    alerts: alerts.activeCount,
    lastEvent: journal.last,
  };
}

export const fleetHandlers = (plane: ControlPlane) =>
  ({
    getFleet: async () => countFleet(plane),
    getVersion: async () => ({ version: plane.version, api: 'v1', startedAt: plane.startedAt }),
  }) satisfies Partial<Handlers>;
