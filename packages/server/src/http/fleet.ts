import type { Handlers } from '@flaghoist/api';
import { type AgentState, capabilityNames, labelsOf, standing } from '@flaghoist/fleet';
import type { ControlPlane } from '../control-plane.ts';

const count = <K extends string>(into: Partial<Record<K, number>>, key: K): void => {
  into[key] = (into[key] ?? 0) + 1;
};

const nobody = () => ({ total: 0, connected: 0, states: {} as Partial<Record<AgentState, number>> });

/** One pass over the fleet: the dashboard's and the monitoring system's one call. */
function countFleet({ roster, groups, journal }: ControlPlane) {
  const all = nobody();
  const byGroup = new Map<string | null, ReturnType<typeof nobody>>(groups.list().map(({ name }) => [name, nobody()]));
  const versions: Record<string, number> = Object.create(null);
  const capabilities: Record<string, number> = {};
  for (const { agent, presence } of roster.all()) {
    const { identity } = agent;
    const name = identity.group?.name ?? null;
    const group = byGroup.get(name) ?? nobody();
    byGroup.set(name, group);
    const { state } = standing(agent, presence);
    for (const each of [all, group]) {
      each.total += 1;
      each.connected += Number(presence.connected);
      count(each.states, state);
    }
    count(versions, labelsOf(identity)['service.version'] ?? '');
    for (const capability of capabilityNames(identity.capabilities)) count(capabilities, capability);
  }
  const counted = [...byGroup].map(([name, counts]) => ({ name, ...counts }));
  return { ...all, groups: counted, versions, capabilities, lastEvent: journal.last };
}

export const fleetHandlers = (plane: ControlPlane) =>
  ({
    getFleet: async () => countFleet(plane),
    getVersion: async () => ({ version: plane.version, api: 'v1', startedAt: plane.startedAt }),
  }) satisfies Partial<Handlers>;
