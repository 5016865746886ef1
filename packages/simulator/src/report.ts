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

/** Field 5. Times are of a whole second, so that agents of one composition share the tree. */
export function healthField(health: Health, now: number): Uint8Array {
  const second = Math.floor(now / 1000);
  const { parts } = health;
  if (parts === undefined) return healthMessage(health, second);
  const key = `${second} ${health.status} ${health.error}`;
  const last = trees.get(parts);
  if (last?.key === key) return last.field;
  const field = healthMessage(health, second);
  trees.set(parts, { key, field });
  return field;
}

const trees = new WeakMap<Composition['parts'], { readonly key: string; readonly field: Uint8Array }>();

function healthMessage(health: Health, second: number): Uint8Array {
  const at = BigInt(second) * 1_000_000_000n;
  const { healthy, error, status, parts = new Map<string, readonly string[]>() } = health;
  const [state, text, name] = [healthy ? wire.number(1, 1) : wire.nothing, wire.text(3, error), wire.text(4, status)];
  const time = status === '' ? wire.nothing : wire.fixed64(5, at);
  const component = Buffer.concat([state, text, name, time]);
  const below = Array.from(parts, ([part, components]) => {
    const leaves = wire.map(
      6,
      components.map((id) => [id, component] as const),
    );
    return [part, Buffer.concat([component, leaves])] as const;
  });
  // Only healthy reports have a start time, and it is the status time.
  const started = status !== '' && healthy ? wire.fixed64(2, at) : wire.nothing;
  return wire.bytes(5, state, started, text, name, time, wire.map(6, below));
}

/** Field 6: one entry without name and, as from Supervisor v0.149, without content type. */
export function effectiveField(body: wire.Pieces): wire.Pieces {
  const noName = wire.bytes(1);
  return wire.nested([6, 1, 1], [noName, ...wire.nested([2, 1], body)]);
}

/** Field 7; all empty before the first offer. Made once for all agents that share the hash. */
export function statusField(hash: Uint8Array, status: RemoteConfigStatuses, error: string): Uint8Array {
  const made = statuses.get(hash) ?? new Map<string, Uint8Array>();
  statuses.set(hash, made);
  const key = `${status} ${error}`;
  const field = made.get(key) ?? statusMessage(hash, status, error);
  made.set(key, field);
  return field;
}

const statuses = new WeakMap<Uint8Array, Map<string, Uint8Array>>();

function statusMessage(hash: Uint8Array, status: RemoteConfigStatuses, error: string): Uint8Array {
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
