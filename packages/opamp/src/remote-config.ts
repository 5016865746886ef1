import { create, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { OpampError } from './error.ts';
import { AgentRemoteConfigSchema, ServerToAgentSchema } from './generated/opamp/v1/opamp_pb.js';

/** One entry of a configuration (AgentConfigObject and its key). Texts must be well formed, UTF-8 is what they become. */
export interface ConfigFile {
  /** Unique within the configuration (S-127); may be empty (S-128). */
  readonly name: string;
  /** Opaque bytes, sent as they are (S-129). */
  readonly body: Uint8Array;
  /** MIME type such as `text/yaml`; any text. */
  readonly contentType?: string | undefined;
  /** What the agent's type makes of it (S-130). */
  readonly role?: string | undefined;
}

/** A configuration as it goes over the wire, encoded once and shared by all agents that get it. */
export interface EncodedRemoteConfig {
  /** `config_hash`, which the agent reports back. */
  readonly hash: Uint8Array;
  /** Field 3 of ServerToAgent: tag, length and message. */
  readonly bytes: Uint8Array;
}

/**
 * Encode a configuration (AgentRemoteConfig). Entries are written in name order.
 * Throws `bad-config`: an empty hash (S-115), two entries of one name (S-127), text with half a surrogate pair.
 */
export function encodeRemoteConfig(config: {
  readonly files: readonly ConfigFile[];
  readonly hash: Uint8Array;
}): EncodedRemoteConfig {
  if (config.hash.length === 0) throw new OpampError('bad-config', 'a configuration needs a hash (S-115)');
  const entries = sorted(config.files).map(
    ({ name, body, contentType = '', role = '' }) => [name, { body, contentType, role }] as const,
  );
  const message = create(AgentRemoteConfigSchema, {
    config: { configMap: Object.fromEntries(entries) },
    configHash: config.hash,
  });
  const writer = new BinaryWriter();
  writer.tag(ServerToAgentSchema.field.remoteConfig.number, WireType.LengthDelimited);
  writer.bytes(toBinary(AgentRemoteConfigSchema, message));
  return { hash: config.hash, bytes: writer.finish() };
}

/**
 * Bytes that are equal exactly when two configurations are: hash them (SHA-256) to get a `config_hash` that covers
 * names, content types, roles and bodies, in whatever order the entries come (S-116). Throws `bad-config`
 * for two entries of one name (S-127) and text with half a surrogate pair.
 */
export function canonicalConfigBytes(files: readonly ConfigFile[]): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder();
  const writer = new BinaryWriter();
  const parts = sorted(files).flatMap(({ name, contentType = '', role = '', body }) => {
    return [text.encode(name), text.encode(contentType), text.encode(role), body];
  });
  for (const part of parts) {
    const { length } = part;
    writer.raw(Uint8Array.of(length >>> 24, length >>> 16, length >>> 8, length)).raw(part);
  }
  return writer.finish();
}

function sorted(files: readonly ConfigFile[]): ConfigFile[] {
  if (new Set(files.map(({ name }) => name)).size < files.length) {
    throw new OpampError('bad-config', 'two entries have the same name (S-127)');
  }
  // A lone surrogate would become U+FFFD, and different texts would get one encoding.
  const texts = files.flatMap(({ name, contentType = '', role = '' }) => [name, contentType, role]);
  if (!texts.every((text) => text.isWellFormed())) {
    throw new OpampError('bad-config', 'an entry holds text that UTF-8 cannot express');
  }
  return [...files].sort((a, b) => (a.name < b.name ? -1 : 1));
}
