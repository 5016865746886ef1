/**
 * Just enough protobuf to put messages together out of parts that were encoded before: a benchmark of a server must
 * not measure its load generator. Fields of a default value are to be left out by the caller.
 */

/** An empty message, or a field that is not there. */
export const nothing: Uint8Array = new Uint8Array();

const utf8 = new TextEncoder();

export function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}

/** A field of wire type 0. */
export function number(field: number, value: number | bigint): Uint8Array {
  return join(varint(field << 3), varint(value));
}

/** A field of wire type 1 (fixed64). */
export function fixed64(field: number, value: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return join(varint((field << 3) | 1), bytes);
}

/** A field of wire type 2: bytes, or a message. */
export function bytes(field: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  return join(varint((field << 3) | 2), varint(size), ...parts);
}

export function text(field: number, value: string): Uint8Array {
  return value === '' ? nothing : bytes(field, utf8.encode(value));
}

/** Entries of a map with text keys. */
export function map(field: number, entries: Iterable<readonly [string, Uint8Array]>): Uint8Array {
  return join(...Array.from(entries, ([key, value]) => bytes(field, text(1, key), bytes(2, value))));
}

/** Attributes: repeated KeyValue with texts. */
export function attributes(field: number, values: Iterable<readonly [string, string]>): Uint8Array {
  return join(
    ...Array.from(values, ([key, value]) =>
      bytes(field, text(1, key), bytes(2, bytes(1, utf8.encode(value)))),
    ),
  );
}

function varint(value: number | bigint): Uint8Array {
  if (typeof value === 'number' && value < 0x80) return Uint8Array.of(value);
  const out: number[] = [];
  let rest = BigInt(value);
  for (; rest > 0x7fn; rest >>= 7n) out.push(Number(rest & 0x7fn) | 0x80);
  out.push(Number(rest));
  return Uint8Array.from(out);
}
