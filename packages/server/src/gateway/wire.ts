/** The one file that knows both vocabularies: the protocol's messages and the domain's records. */
import { hash } from 'node:crypto';
import type * as fleet from '@flaghoist/fleet';
import { LIMITS, latest } from '@flaghoist/fleet';
import * as opamp from '@flaghoist/opamp';
import type { ReceivedFile } from '../effective/effective-configs.ts';
import { AGENT_LIMITS } from '../limits.ts';

/** Bytes that a message to an agent may have (P11). */
export const SEND_BYTES = opamp.defaultLimits.sendBytes;

const utf8 = new TextEncoder();
/** Keeps every byte or refuses: nothing is replaced, and a byte order mark stays. */
const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export const hex = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');

/**
 * What agents say of themselves is bounded here, at the border, so that no record of ours grows beyond what one row, one
 * log line or one answer can hold (R13, X26). What is longer is cut and says so; what is too many is left out.
 */
const CUT = ' … (cut)';
const cut = (value: string, most: number = AGENT_LIMITS.text): string =>
  value.length <= most ? value : `${value.slice(0, Math.max(0, most - CUT.length))}${CUT}`;

const wireFiles = (files: fleet.ConfigFiles): opamp.ConfigFile[] =>
  Object.entries(files).map(([name, { body, contentType }]) => ({
    name,
    body: utf8.encode(body),
    contentType,
  }));

/** The hash on the wire, hex: SHA-256 over the canonical bytes of the files (S-116). */
export function hashOf(files: fleet.ConfigFiles): string {
  return hash('sha256', opamp.canonicalConfigBytes(wireFiles(files)));
}

/** A configuration as it goes out, encoded once for all agents that get it. */
export const encodeOffer = (files: fleet.ConfigFiles, hash: string) =>
  opamp.encodeRemoteConfig({ files: wireFiles(files), hash: Buffer.from(hash, 'hex') });

/** Where an agent is, as its session tells after an input: a message that was heard, or the end of a link. */
export function presenceOf(
  before: fleet.Presence,
  session: opamp.Session,
  {
    heard,
    facts,
    now,
  }: { readonly heard: boolean; readonly facts: readonly opamp.Fact[]; readonly now: fleet.Instant },
): fleet.Presence {
  const { link, knowledge, epoch = null } = session;
  const knownAt = epoch === before.epoch ? before.fullStateAt : null;
  return {
    connected: link !== undefined,
    transport: link?.transport ?? before.transport,
    epoch,
    synced: knowledge === 'synced',
    fullStateAt: has(facts, 'full-state') ? now : knownAt,
    lastSeen: heard ? now : before.lastSeen,
    disconnectedAt: link === undefined ? (before.disconnectedAt ?? now) : null,
    departures:
      link === undefined && before.connected ? latest(before.departures, now, LIMITS.flapping) : before.departures,
    left: link === undefined && (before.left || (heard && has(facts, 'disconnected'))),
  };
}

export const has = (facts: readonly opamp.Fact[], kind: opamp.Fact['kind']): boolean =>
  facts.some((fact) => fact.kind === kind);

function attributeValue(value: opamp.AnyValue | undefined): fleet.AttributeValue {
  const kind = value?.value;
  switch (kind?.case) {
    case 'stringValue':
      return cut(kind.value, AGENT_LIMITS.attributeText);
    case 'boolValue':
      return kind.value;
    case 'intValue':
      return Number.isSafeInteger(Number(kind.value)) ? Number(kind.value) : { int64: String(kind.value) };
    case 'doubleValue':
      return Number.isFinite(kind.value) ? kind.value : { double: String(kind.value) };
    case 'bytesValue':
      return { bytes: Buffer.from(kind.value.subarray(0, AGENT_LIMITS.attributeText)).toString('base64') };
    case 'arrayValue':
      return kind.value.values.slice(0, AGENT_LIMITS.attributes).map(attributeValue);
    case 'kvlistValue':
      return { kvlist: attributes(kind.value.values) };
    default:
      return null;
  }
}

/** Most nodes of a health tree have neither attributes nor components: they share this. */
const NOTHING = Object.freeze({});

/** The first `most` entries, as JSON.parse gives them: a key such as `__proto__` is only a key (R18). */
function bounded<T, R>(entries: readonly [string, T][], most: number, read: (value: T) => R): Record<string, R> {
  if (entries.length === 0) return NOTHING;
  return Object.fromEntries(entries.slice(0, most).map(([key, value]) => [cut(key, AGENT_LIMITS.name), read(value)]));
}

export function attributes(pairs: readonly opamp.KeyValue[]): fleet.Attributes {
  const entries = pairs.map(({ key, value }): [string, opamp.AnyValue | undefined] => [key, value]);
  return bounded(entries, AGENT_LIMITS.attributes, attributeValue);
}

/** Decoding has bounded the depth (R12); `room` is what the whole tree may still say, in nodes and characters. */
export function healthOf(
  health: opamp.ComponentHealth,
  room = { nodes: AGENT_LIMITS.healthNodes, text: AGENT_LIMITS.healthText },
): fleet.Health {
  const say = (text: string): string => {
    const said = room.text > 0 ? cut(text, Math.min(AGENT_LIMITS.text, room.text)) : '';
    room.text -= said.length;
    return said;
  };
  const own = room.text > 0 ? attributes(health.attributes) : NOTHING;
  if (own !== NOTHING) room.text -= JSON.stringify(own).length;
  const below = Object.entries(health.componentHealthMap).slice(0, Math.min(AGENT_LIMITS.components, room.nodes));
  room.nodes -= below.length;
  return {
    healthy: health.healthy,
    status: say(health.status),
    lastError: say(health.lastError),
    startTimeUnixNano: String(health.startTimeUnixNano),
    statusTimeUnixNano: String(health.statusTimeUnixNano),
    attributes: own,
    components: bounded(below, AGENT_LIMITS.components, (node) => healthOf(node, room)),
  };
}

const STATUS: Readonly<Record<number, fleet.ReportedConfig['status']>> = {
  [opamp.RemoteConfigStatuses.RemoteConfigStatuses_APPLIED]: 'APPLIED',
  [opamp.RemoteConfigStatuses.RemoteConfigStatuses_APPLYING]: 'APPLYING',
  [opamp.RemoteConfigStatuses.RemoteConfigStatuses_FAILED]: 'FAILED',
};

export function reportedOf(status: opamp.RemoteConfigStatus): Omit<fleet.ReportedConfig, 'at'> {
  return {
    hash: hex(status.lastRemoteConfigHash.subarray(0, AGENT_LIMITS.hashBytes)),
    status: STATUS[status.status] ?? 'UNSET',
    errorMessage: cut(status.errorMessage),
  };
}

export function effectiveFiles(config: opamp.EffectiveConfig): ReceivedFile[] {
  return Object.entries(config.configMap?.configMap ?? {})
    .slice(0, AGENT_LIMITS.files)
    .map(([name, file]) => ({
      name: cut(name, AGENT_LIMITS.name),
      contentType: cut(file.contentType, AGENT_LIMITS.name),
      bytes: file.body.length,
      ...textOf(file.body),
    }));
}

/** The text of a body; of one that has none the bytes, as a text that can be stored and shown like any other. */
function textOf(body: Uint8Array): Pick<ReceivedFile, 'body' | 'encoding'> {
  try {
    return { body: text.decode(body) };
  } catch {
    return { body: Buffer.from(body).toString('base64'), encoding: 'base64' };
  }
}

/** Component ids by kind, as the Collector groups them: receivers, processors, exporters, extensions, connectors. */
export function componentIds(components: Readonly<Record<string, opamp.ComponentDetails>>): Record<string, string[]> {
  return bounded(Object.entries(components), AGENT_LIMITS.files, ({ subComponentMap }) => {
    const ids = Object.keys(subComponentMap).slice(0, AGENT_LIMITS.components);
    return ids.map((id) => cut(id, AGENT_LIMITS.name)).sort();
  });
}
