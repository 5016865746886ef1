import { type DescMessage, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { OpampError } from './error.ts';
import {
  type AgentToServer,
  AgentToServerSchema,
  type ServerToAgent,
  ServerToAgentSchema,
} from './generated/opamp/v1/opamp_pb.js';
import { type InstanceUid, uidFromBytes } from './instance-uid.ts';
import { defaultLimits } from './limits.ts';

/**
 * Decode the bytes of one AgentToServer (no WebSocket header). Unknown fields and enum values are kept (S-273, S-274).
 * Byte fields are views of `bytes`: copy what is to outlive them.
 * Throws `malformed`, `too-deep`, or `bad-instance-uid` when the uid is not 16 bytes (S-076).
 */
export function decodeAgentToServer(bytes: Uint8Array, depth: number = defaultLimits.depth): AgentToServer {
  const message = decode(AgentToServerSchema, bytes, depth);
  uidFromBytes(message.instanceUid);
  return message;
}

/** Decode the bytes of one ServerToAgent (no WebSocket header). Throws `malformed` or `too-deep`. */
export function decodeServerToAgent(bytes: Uint8Array, depth: number = defaultLimits.depth): ServerToAgent {
  return decode(ServerToAgentSchema, bytes, depth);
}

/** The bytes of one AgentToServer, without WebSocket header. */
export function encodeAgentToServer(message: AgentToServer): Uint8Array<ArrayBuffer> {
  return toBinary(AgentToServerSchema, message);
}

/** The bytes of one ServerToAgent, without WebSocket header. For many agents use `encodeReply`. */
export function encodeServerToAgent(message: ServerToAgent): Uint8Array<ArrayBuffer> {
  return toBinary(ServerToAgentSchema, message);
}

/**
 * The instance uid in bytes that may not decode: looked for in the readable beginning, so that a BAD_REQUEST can be
 * addressed (S-049). `undefined` when there is none. Never throws.
 */
export function peekInstanceUid(bytes: Uint8Array): InstanceUid | undefined {
  try {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [field, type] = reader.tag();
      if (field === 1 && type === WireType.LengthDelimited) return uidFromBytes(reader.bytes());
      reader.skip(type, field, 1);
    }
  } catch {
    // What comes after the readable beginning is of no interest.
  }
  return undefined;
}

function decode<Desc extends DescMessage>(
  schema: Desc,
  bytes: Uint8Array,
  depth: number,
): MessageShape<Desc> {
  try {
    // Byte fields are views of the input: of a Buffer they would be Buffers, whose `slice` and JSON are different.
    const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return fromBinary(schema, plain, { recursionLimit: depth + 1 });
  } catch (cause) {
    if (isDeeper(schema, bytes, depth)) {
      throw new OpampError('too-deep', `messages are nested deeper than ${depth}; send a flatter one`, {
        cause,
      });
    }
    throw new OpampError('malformed', `not a protobuf ${schema.name} message`, { cause });
  }
}

/** Whether known message fields nest deeper than `depth`. Iterative, and only asked after decoding has failed. */
function isDeeper(schema: DescMessage, bytes: Uint8Array, depth: number): boolean {
  const open = [{ desc: schema, bytes, level: 0 }];
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    if (part.level > depth) return true;
    try {
      const reader = new BinaryReader(part.bytes);
      while (reader.pos < reader.len) {
        const [number, type] = reader.tag();
        const child = type === WireType.LengthDelimited ? childOf(part.desc, number) : undefined;
        if (child === undefined) reader.skip(type, number, 1);
        else open.push({ desc: child.desc, bytes: child.body(reader.bytes()), level: part.level + 1 });
      }
    } catch {
      // A branch that cannot be read is malformed, not deep.
    }
  }
  return false;
}

function childOf(desc: DescMessage, number: number) {
  const field = desc.fields.find((candidate) => candidate.number === number);
  if (field?.message === undefined) return undefined;
  return { desc: field.message, body: field.fieldKind === 'map' ? mapValue : (bytes: Uint8Array) => bytes };
}

/** The value in a map entry `{key = 1, value = 2}`; entries do not count as a level. */
function mapValue(entry: Uint8Array): Uint8Array {
  const reader = new BinaryReader(entry);
  let value: Uint8Array = new Uint8Array();
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (number === 2 && type === WireType.LengthDelimited) value = reader.bytes();
    else reader.skip(type, number, 1);
  }
  return value;
}
