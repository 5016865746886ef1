import type { Fleet, Handlers } from '@flaghoist/api';
import { type AgentState, capabilityNames, labelsOf, standing } from '@flaghoist/fleet';
import type { ControlPlane } from '../control-plane.ts';
import { time } from './views.ts';

type States = Partial<Record<AgentState, number>>;

const count = <K extends string>(into: Partial<Record<K, number>>, key: K): void => {
  into[key] = (into[key] ?? 0) + 1;
};

/** One pass over the fleet: the dashboard's and the monitoring system's one call. */
function countFleet({ roster, groups, journal }: ControlPlane): Fleet {
  const states: States = {};
  const versions: Record<string, number> = Object.create(null);
  const capabilities: Record<string, number> = {};
  const byGroup = new Map<string | null, { name: string | null; total: number; connected: number; states: States }>();
  for (const { name } of groups.list()) byGroup.set(name, { name, total: 0, connected: 0, states: {} });
  let connected = 0;
  for (const { agent, presence } of roster.all()) {
    const { state } = standing(agent, presence);
    const name = agent.identity.group?.name ?? null;
    const group = byGroup.get(name) ?? { name, total: 0, connected: 0, states: {} };
    byGroup.set(name, group);
    group.total += 1;
    count(group.states, state);
    count(states, state);
    count(versions, labelsOf(agent.identity)['service.version'] ?? '');
    for (const capability of capabilityNames(agent.identity.capabilities)) count(capabilities, capability);
    if (!presence.connected) continue;
    connected += 1;
    group.connected += 1;
  }
  return {
    total: roster.size,
    connected,
    groups: [...byGroup.values()],
    states,
    versions,
    capabilities,
    lastEvent: journal.last,
  };
}

export const fleetHandlers = (plane: ControlPlane): Pick<Handlers<void>, 'getFleet' | 'getVersion'> => ({
  getFleet: async () => countFleet(plane),
  getVersion: async () => ({ version: plane.version, api: 'v1', startedAt: time(plane.startedAt) }),
});
