import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
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
 * Decode the bytes of one AgentToServer (no WebSocket header). Unknown fields and enum values are kept (S-273, S-274),
 * and come out again when it is encoded.
 * Byte fields are views of `bytes`: copy what is to outlive them.
 * Throws `malformed` (also for text that is not UTF-8, as opamp-go does), or `bad-instance-uid` when the uid is not 16 bytes (S-076).
 */
export function decodeAgentToServer(bytes: Uint8Array): AgentToServer {
  const message = decode(AgentToServerSchema, bytes);
  uidFromBytes(message.instanceUid);
  return message;
}

/** Decode the bytes of one ServerToAgent (no WebSocket header). Throws `malformed`. */
export function decodeServerToAgent(bytes: Uint8Array): ServerToAgent {
  return decode(ServerToAgentSchema, bytes);
}

/** The bytes of one AgentToServer, or of some of its fields, without WebSocket header. A server's own messages: `encodeReply`. */
export function encodeAgentToServer(message: MessageInitShape<typeof AgentToServerSchema>): Uint8Array<ArrayBuffer> {
  return toBinary(AgentToServerSchema, create(AgentToServerSchema, message));
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

function decode<Desc extends DescMessage>(schema: Desc, bytes: Uint8Array): MessageShape<Desc> {
  const { depth } = defaultLimits;
  try {
    // Byte fields are views of the input: of a Buffer they would be Buffers, whose `slice` and JSON are different.
    const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return fromBinary(schema, plain, { recursionLimit: depth + 1 });
  } catch (cause) {
    const what = `not a protobuf ${schema.name} message, or one nested deeper than ${depth}`;
    throw new OpampError('malformed', what, { cause });
  }
}
