/**
 * Just enough protobuf to put messages together out of parts that were encoded before: a benchmark of a server must
 * not measure its load generator. Callers leave out fields that have their default value.
 */

/** Bytes in pieces: a large text is copied once, when a message is complete. */
export type Pieces = readonly Uint8Array[];

/** An empty message, or a field that is not there. */
export const nothing: Uint8Array = new Uint8Array();

function size(pieces: Pieces): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}

/** A field of wire type 0. */
export function number(field: number, value: number): Uint8Array {
  return Uint8Array.from(varint(field << 3).concat(varint(value)));
}

/** A field of wire type 1 (fixed64). */
export function fixed64(field: number, value: bigint): Uint8Array {
  const bytes = Buffer.alloc(9, (field << 3) | 1);
  bytes.writeBigUInt64LE(value, 1);
  return bytes;
}

/** A field of wire type 2: bytes, or a message. */
export function bytes(field: number, ...content: Pieces): Uint8Array {
  return Buffer.concat(nested([field], content));
}

/** Content in a field in a field …, outermost first; the content is not copied. */
export function nested(fields: readonly number[], content: Pieces): Pieces {
  let header: number[] = [];
  const length = size(content);
  for (let i = fields.length - 1; i >= 0; i--) {
    header = varint(((fields[i] ?? 0) << 3) | 2).concat(varint(length + header.length), header);
  }
  return [Uint8Array.from(header), ...content];
}

/** Nothing for an empty text. */
export function text(field: number, value: string): Uint8Array {
  return value === '' ? nothing : bytes(field, Buffer.from(value));
}

/** Entries of a map from texts to messages. */
export function map(field: number, entries: Iterable<readonly [string, Uint8Array]>): Uint8Array {
  const all = Array.from(entries, ([key, value]) => bytes(field, bytes(1, Buffer.from(key)), bytes(2, value)));
  return Buffer.concat(all);
}

/** Attributes: repeated KeyValue with texts. */
export function attributes(field: number, values: Iterable<readonly [string, string]>): Uint8Array {
  const all = Array.from(values, ([key, value]) => {
    return bytes(field, text(1, key), bytes(2, bytes(1, Buffer.from(value))));
  });
  return Buffer.concat(all);
}

/** @param value at least 0, less than 2^31 */
function varint(value: number): number[] {
  if (value < 0x80) return [value];
  const out: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>= 7) out.push((rest & 0x7f) | 0x80);
  out.push(rest);
  return out;
}
