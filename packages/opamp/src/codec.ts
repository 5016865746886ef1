import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { OpampError } from './error.ts';
import type { AgentToServer, ServerToAgent } from './generated/opamp/v1/opamp_pb.js';
import { AgentToServerSchema, ServerToAgentSchema } from './generated/opamp/v1/opamp_pb.js';
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
  const { depth, fields } = defaultLimits;
  try {
    // Byte fields are views of the input: of a Buffer they would be Buffers, whose `slice` and JSON are different.
    const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    // A field has two bytes at least, so that most messages need not be counted.
    if (plain.length > 2 * fields && hasMoreFields(schema, plain, fields)) throw new Error('too many fields');
    return fromBinary(schema, plain, { recursionLimit: depth + 1 });
  } catch (cause) {
    const what = `not a protobuf ${schema.name} message, or one nested deeper than ${depth} or of more than ${fields} fields`;
    throw new OpampError('malformed', what, { cause });
  }
}

/** Finds what messages are inside a message: the type of a field by its number. */
type Inside = (field: number) => Inside | undefined;

function insideOf(message: DescMessage | undefined): Inside | undefined {
  if (message === undefined) return undefined;
  return (number) => {
    const field = message.fields.find((one) => one.number === number);
    const inner = insideOf(field?.message);
    // An entry of a map is a message, with its value as the second field.
    return field?.fieldKind === 'map' ? (entry) => (entry === 2 ? inner : undefined) : inner;
  };
}

/** Whether a message has more fields than `most`, with those of the messages inside it. @throws when it cannot be read */
function hasMoreFields(schema: DescMessage, bytes: Uint8Array, most: number): boolean {
  const reader = new BinaryReader(bytes);
  const open = [{ inside: insideOf(schema), end: reader.len }];
  for (let count = 0; count <= most; count += 1) {
    while (reader.pos >= (open.at(-1)?.end ?? Number.POSITIVE_INFINITY)) open.pop();
    if (open.length === 0) return false;
    const [field, type] = reader.tag();
    const inside = type === WireType.LengthDelimited ? open.at(-1)?.inside?.(field) : undefined;
    // A group is the fields in it, up to its end.
    if (type === WireType.StartGroup || type === WireType.EndGroup) continue;
    if (inside === undefined) reader.skip(type, field, defaultLimits.depth);
    else open.push({ inside, end: reader.uint32() + reader.pos });
  }
  return true;
}
