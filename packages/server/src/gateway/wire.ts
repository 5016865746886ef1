/** The one file that knows both vocabularies: the protocol's messages and the domain's records. */
import { createHash } from 'node:crypto';
import type {
  AgentReport,
  Attributes,
  AttributeValue,
  ConfigFiles,
  Health,
  Instant,
  RemoteConfigState,
  ReportedConfig,
} from '@flaghoist/fleet';
import {
  type AnyValue,
  type ComponentDetails,
  type ComponentHealth,
  type ConfigFile,
  canonicalConfigBytes,
  type EffectiveConfig,
  type EncodedRemoteConfig,
  encodeRemoteConfig,
  type KeyValue,
  type RemoteConfigStatus,
  RemoteConfigStatuses,
} from '@flaghoist/opamp';
import type { ReceivedFile } from '../effective/effective-configs.ts';

const utf8 = new TextEncoder();
const text = new TextDecoder();

export const hex = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');

const wireFiles = (files: ConfigFiles): ConfigFile[] =>
  Object.entries(files).map(([name, { body, contentType }]) => ({
    name,
    body: utf8.encode(body),
    contentType,
  }));

/** The hash on the wire, hex: SHA-256 over the canonical bytes of the files (S-116). */
export function hashOf(files: ConfigFiles): string {
  return createHash('sha256')
    .update(canonicalConfigBytes(wireFiles(files)))
    .digest('hex');
}

/** A configuration as it goes out, encoded once for all agents that get it. */
export function encodeOffer(files: ConfigFiles, hash: string): EncodedRemoteConfig {
  return encodeRemoteConfig({ files: wireFiles(files), hash: Buffer.from(hash, 'hex') });
}

function attributeValue(value: AnyValue | undefined): AttributeValue {
  const kind = value?.value;
  switch (kind?.case) {
    case 'stringValue':
    case 'boolValue':
      return kind.value;
    case 'intValue':
      return Number.isSafeInteger(Number(kind.value)) ? Number(kind.value) : { int64: String(kind.value) };
    case 'doubleValue':
      return Number.isFinite(kind.value) ? kind.value : { double: String(kind.value) };
    case 'bytesValue':
      return { bytes: Buffer.from(kind.value).toString('base64') };
    case 'arrayValue':
      return kind.value.values.map(attributeValue);
    case 'kvlistValue':
      return { kvlist: attributes(kind.value.values) };
    default:
      return null;
  }
}

/** Without prototype, so that a key such as `__proto__` is only a key (R18). */
export function attributes(pairs: readonly KeyValue[]): Attributes {
  const result: Record<string, AttributeValue> = Object.create(null);
  for (const { key, value } of pairs) result[key] = attributeValue(value);
  return result;
}

/** Decoding has bounded the depth (R12). */
export function healthOf(health: ComponentHealth): Health {
  const components: Record<string, Health> = Object.create(null);
  for (const [name, child] of Object.entries(health.componentHealthMap)) components[name] = healthOf(child);
  return {
    healthy: health.healthy,
    status: health.status,
    lastError: health.lastError,
    startTimeUnixNano: String(health.startTimeUnixNano),
    statusTimeUnixNano: String(health.statusTimeUnixNano),
    attributes: attributes(health.attributes),
    components,
  };
}

const STATUS: Readonly<Record<number, RemoteConfigState>> = {
  [RemoteConfigStatuses.RemoteConfigStatuses_APPLIED]: 'APPLIED',
  [RemoteConfigStatuses.RemoteConfigStatuses_APPLYING]: 'APPLYING',
  [RemoteConfigStatuses.RemoteConfigStatuses_FAILED]: 'FAILED',
};

export function reportedOf(status: RemoteConfigStatus, now: Instant): ReportedConfig {
  return {
    hash: hex(status.lastRemoteConfigHash),
    status: STATUS[status.status] ?? 'UNSET',
    errorMessage: status.errorMessage,
    at: now,
  };
}

export function effectiveFiles(config: EffectiveConfig): ReceivedFile[] {
  return Object.entries(config.configMap?.configMap ?? {}).map(([name, file]) => ({
    name,
    contentType: file.contentType,
    body: text.decode(file.body),
  }));
}

/** Component ids by kind, as the Collector groups them: receivers, processors, exporters, extensions, connectors. */
export function componentIds(
  components: Readonly<Record<string, ComponentDetails>>,
): Record<string, string[]> {
  const ids: Record<string, string[]> = Object.create(null);
  for (const [kind, details] of Object.entries(components))
    ids[kind] = Object.keys(details.subComponentMap).sort();
  return ids;
}

/** Whether two reports say the same apart from when they came. */
export function saysTheSame(
  a: AgentReport['health'] | AgentReport['reported'],
  b: AgentReport['health'] | AgentReport['reported'],
): boolean {
  if (a === null || b === null) return a === b;
  return JSON.stringify({ ...a, at: 0 }) === JSON.stringify({ ...b, at: 0 });
}
