import { formatUid, type InstanceUid, type RemoteConfigStatuses } from '@flaghoist/opamp';
import type { Composition } from './composition.ts';
import type { AgentPlan } from './plan.ts';
import * as wire from './wire.ts';

/** The health that an agent reports: bare from the Supervisor, with `parts` from the collector. */
export interface Health {
  readonly healthy: boolean;
  readonly error: string;
  /** Collector's status of root and components, such as `StatusOK`; empty without parts. */
  readonly status: string;
  readonly parts: Composition['parts'] | undefined;
}

export const ailing = (error: string): Health => ({ healthy: false, error, status: '', parts: undefined });
export const bareHealthy: Health = { healthy: true, error: '', status: '', parts: undefined };

/** Field 3: the attributes that the Supervisor gives, and the labels of the scenario. */
export function descriptionField(plan: AgentPlan, uid: InstanceUid): Uint8Array {
  const identifying = [
    ['service.instance.id', formatUid(uid)],
    ['service.name', SERVICE],
    ['service.version', plan.group.version],
  ] as const;
  const others = Object.entries({ ...HOST, 'host.name': plan.name, ...plan.group.labels });
  others.sort(([one], [other]) => (one < other ? -1 : 1));
  return wire.bytes(3, wire.attributes(1, identifying), wire.attributes(2, others));
}

const SERVICE = 'otelcol-contrib';
const HOST = { 'host.arch': 'amd64', 'os.description': 'Debian GNU/Linux 12.11', 'os.type': 'linux' };

/** What the collector's resource and the description have in common for all agents of a group. */
export function sharedAttributes(group: AgentPlan['group']): Readonly<Record<string, string>> {
  return { ...HOST, ...group.labels, 'service.name': SERVICE, 'service.version': group.version };
}

/** Field 5. */
export function healthField(health: Health, now: number): Uint8Array {
  const at = BigInt(Math.round(now)) * 1_000_000n;
  // Only healthy reports have a start time, and it is the status time.
  const times =
    health.status === '' ? wire.nothing : join(health.healthy ? wire.fixed64(2, at) : wire.nothing);
  const below = Array.from(health.parts ?? [], ([part, components]) => {
    const leaves = components.map((id) => [id, component(health, at)] as const);
    return [part, join(component(health, at), wire.map(6, leaves))] as const;
  });
  return wire.bytes(
    5,
    health.healthy ? wire.number(1, 1) : wire.nothing,
    times,
    wire.text(3, health.error),
    wire.text(4, health.status),
    health.status === '' ? wire.nothing : wire.fixed64(5, at),
    wire.map(6, below),
  );
}

function component(health: Health, at: bigint): Uint8Array {
  return join(
    health.healthy ? wire.number(1, 1) : wire.nothing,
    wire.text(3, health.error),
    wire.text(4, health.status),
    wire.fixed64(5, at),
  );
}

const { join } = wire;

/** Field 6: one entry without name and, as from Supervisor v0.149, without content type. */
export function effectiveField(body: Uint8Array): Uint8Array {
  return wire.bytes(6, wire.bytes(1, wire.map(1, [['', wire.bytes(1, body)]])));
}

/** Field 7; all empty before the first offer. */
export function statusField(hash: Uint8Array, status: RemoteConfigStatuses, error: string): Uint8Array {
  return wire.bytes(
    7,
    hash.length === 0 ? wire.nothing : wire.bytes(1, hash),
    status === 0 ? wire.nothing : wire.number(2, status),
    wire.text(3, error),
  );
}

/** Field 8: packages are not used, and said so by an empty message. */
export const packagesField: Uint8Array = wire.bytes(8);

/** Field 9. */
export const goodbyeField: Uint8Array = wire.bytes(9);
