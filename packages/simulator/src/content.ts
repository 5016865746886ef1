/**
 * What an agent says, in fields of AgentToServer that are encoded one by one: messages put behind each other are one
 * message, so what many agents say alike is encoded once.
 */
import * as crypto from 'node:crypto';
import { encodeAgentToServer, formatUid, type InstanceUid, RemoteConfigStatuses } from '@flaghoist/opamp';
import { KINDS, type Kind, TYPES } from './distribution.ts';
import { limits } from './limits.ts';
import type { AgentPlan } from './plan.ts';
import type { ScenarioGroup } from './scenario.ts';

/** The health that an agent reports: bare from the Supervisor, with a `status` and the tree from the collector. */
export interface Health {
  readonly healthy: boolean;
  readonly error: string;
  /** Collector's status of root and components, such as `StatusOK`. */
  readonly status?: string;
}

/** By part of the health tree (`extensions`, `pipeline:traces`): the components below it. */
export type HealthParts = Readonly<Record<string, readonly string[]>>;

/** What an agent says of a remote configuration: all empty before the first offer. */
export interface ConfigStatus {
  /** Lowercase hex. */
  readonly hash: string;
  readonly status: 'UNSET' | 'APPLYING' | 'APPLIED' | 'FAILED';
  readonly error: string;
}

const attributes = (values: Readonly<Record<string, string>>) =>
  Object.entries(values).map(([key, value]) => ({ key, value: { value: { case: 'stringValue' as const, value } } }));

const NAME = 'otelcol-contrib';
const VERSION = '0.149.0';
const HOST = { 'host.arch': 'amd64', 'os.description': 'Debian GNU/Linux 12.11', 'os.type': 'linux' };

/** What the collector's resource and the description have in common for all agents of a group. */
export function sharedAttributes({ labels }: ScenarioGroup): Readonly<Record<string, string>> {
  return { ...HOST, ...labels, 'service.name': NAME, 'service.version': VERSION };
}

/** The attributes that the Supervisor gives, and the labels of the scenario. */
export function encodeDescription({ name, group }: AgentPlan, uid: InstanceUid): Uint8Array {
  const own = { 'service.instance.id': formatUid(uid), 'service.name': NAME, 'service.version': VERSION };
  const others = { ...HOST, 'host.name': name, ...group.labels };
  return encodeAgentToServer({
    agentDescription: { identifyingAttributes: attributes(own), nonIdentifyingAttributes: attributes(others) },
  });
}

/** Times are of a whole second, so that agents of one composition share the tree. */
export function encodeHealth(health: Health, parts: HealthParts, now: number): Uint8Array {
  const second = Math.floor(now / 1000);
  const { healthy, error, status } = health;
  if (status === undefined) return encodeAgentToServer({ health: { healthy, lastError: error } });
  const key = `${second} ${status} ${error}`;
  const last = trees.get(parts);
  if (last?.key === key) return last.encoded;
  const statusTimeUnixNano = BigInt(second) * 1_000_000_000n;
  const node = { healthy, lastError: error, status, statusTimeUnixNano };
  const below = Object.entries(parts).map(([part, components]) => {
    return [part, { ...node, componentHealthMap: Object.fromEntries(components.map((id) => [id, node])) }];
  });
  // Only healthy reports have a start time, and it is the status time.
  const started = healthy && { startTimeUnixNano: statusTimeUnixNano };
  const root = { ...node, ...started, componentHealthMap: Object.fromEntries(below) };
  const encoded = encodeAgentToServer({ health: root });
  trees.set(parts, { key, encoded });
  return encoded;
}

const trees = new WeakMap<HealthParts, { readonly key: string; readonly encoded: Uint8Array }>();

/** One entry without name and, as from Supervisor v0.149, without content type. */
export function encodeEffective(body: string): Uint8Array {
  return encodeAgentToServer({ effectiveConfig: { configMap: { configMap: { '': { body: Buffer.from(body) } } } } });
}

export const encodeStatus = alike(({ hash, status: name, error: errorMessage }: ConfigStatus) => {
  const lastRemoteConfigHash = Buffer.from(hash, 'hex');
  const status = RemoteConfigStatuses[`RemoteConfigStatuses_${name}`];
  return encodeAgentToServer({ remoteConfigStatus: { lastRemoteConfigHash, status, errorMessage } });
}, Object.values);

export const encodeSequence = alike((sequenceNum: bigint) => encodeAgentToServer({ sequenceNum }), String);

/** Encodes what many agents say alike once. */
function alike<Value>(encode: (value: Value) => Uint8Array, keyOf: (value: Value) => unknown) {
  const known = new Map<string, Uint8Array>();
  return (value: Value): Uint8Array => {
    const key = String(keyOf(value));
    const encoded = known.get(key) ?? encode(value);
    if (known.size >= limits.encodings) known.clear();
    known.set(key, encoded);
    return encoded;
  };
}

/** What never changes: packages are not used, and said so by an empty message. */
export const PACKAGES = encodeAgentToServer({ packageStatuses: {} });
export const GOODBYE = encodeAgentToServer({ agentDisconnect: {} });

const digest = crypto.hash('sha256', JSON.stringify(TYPES), 'buffer');
export const COMPONENTS_HASH = encodeAgentToServer({ availableComponents: { hash: digest } });
export const COMPONENTS = encodeAgentToServer({
  availableComponents: { hash: digest, components: Object.fromEntries(KINDS.map((kind) => [kind, available(kind)])) },
});

function available(kind: Kind) {
  const role = kind.slice(0, -1);
  const types = TYPES[kind].map((type) => {
    const module = `${role}/${type.replaceAll('_', '')}${role} v${VERSION}`;
    const metadata = attributes({
      'code.namespace': `github.com/open-telemetry/opentelemetry-collector-contrib/${module}`,
    });
    return [type, { metadata }];
  });
  return { subComponentMap: Object.fromEntries(types) };
}
