/** Inputs for a fuzzer: the bytes of real messages, changed field by field without knowing what the fields mean. */
import type { Random } from '../random.ts';

/** A field of a protobuf message as it is on the wire. */
interface Field {
  readonly number: number;
  readonly type: number;
  /** Of a varint; 0 for others. */
  readonly varint: bigint;
  /** Of everything else; of `LENGTH` what follows the length. */
  readonly bytes: Uint8Array;
}

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;

const NUMBERS = [0n, 1n, 127n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n];
const TEXTS = [
  '',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  '\u0000',
  '../../../etc/passwd',
  '\u001b[2J\n{"level":60}',
  'a'.repeat(40_000),
  '&a [*a]',
  '<<: [*a, *a]',
  '[['.repeat(500),
  'receivers: {__proto__: {x: 1}}',
].map((text) => Buffer.from(text));
const INVALID_UTF8 = Buffer.from([0xff, 0xfe, 0xc0, 0x80, 0xed, 0xa0, 0x80]);

export const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
const below = (random: Random, end: number): number => Math.floor(random() * end);

export const randomBytes = (random: Random, most: number): Buffer =>
  Buffer.from(Array.from({ length: below(random, most + 1) }, () => below(random, 256)));

function varint(value: bigint): number[] {
  const bytes: number[] = [];
  for (; value > 127n; value >>= 7n) bytes.push(Number(value & 127n) | 128);
  return [...bytes, Number(value)];
}

function encode(fields: readonly Field[]): Buffer {
  return Buffer.concat(
    fields.flatMap(({ number, type, varint: value, bytes }) => {
      const tag = Buffer.from(varint((BigInt(number) << 3n) | BigInt(type)));
      if (type === VARINT) return [tag, Buffer.from(varint(value))];
      return type === LENGTH ? [tag, Buffer.from(varint(BigInt(bytes.length))), bytes] : [tag, bytes];
    }),
  );
}

/** Undefined when the bytes are no message. */
function decode(bytes: Uint8Array): Field[] | undefined {
  const fields: Field[] = [];
  let at = 0;
  const read = (): bigint | undefined => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) return undefined;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
    return undefined;
  };
  while (at < bytes.length) {
    const tag = read();
    if (tag === undefined) return undefined;
    const [number, type] = [Number(tag >> 3n), Number(tag & 7n)];
    if (number === 0) return undefined;
    const value = type === VARINT || type === LENGTH ? read() : 0n;
    const length = { [VARINT]: 0, [FIXED64]: 8, [LENGTH]: Number(value ?? -1n), [FIXED32]: 4 }[type];
    if (value === undefined || length === undefined || at + length > bytes.length) return undefined;
    fields.push({ number, type, varint: value, bytes: bytes.subarray(at, at + length) });
    at += length;
  }
  return fields;
}

/** Changes one field, here or somewhere below. `others` are what parts are taken over from. */
function changed(random: Random, fields: readonly Field[], others: readonly Uint8Array[]): Field[] {
  const index = below(random, fields.length);
  const field = fields[index];
  if (field === undefined)
    return [{ number: 1 + below(random, 20), type: LENGTH, varint: 0n, bytes: pick(random, TEXTS) }];
  const put = (...instead: Field[]): Field[] => fields.toSpliced(index, 1, ...instead);
  const inner = field.type === LENGTH && field.bytes.length > 1 ? decode(field.bytes) : undefined;
  if (inner !== undefined && random() < 0.7) return put({ ...field, bytes: encode(changed(random, inner, others)) });
  switch (below(random, 16)) {
    case 0:
      return put();
    case 1:
      return put(...Array.from({ length: pick(random, [2, 3, 300]) }, () => field));
    case 2:
      return put({ ...field, number: pick(random, [1, 2, 3, 7, 19, 100, 2 ** 29 - 1]) });
    case 3:
      return put({ ...field, type: below(random, 8) });
    case 4: {
      let bytes: Uint8Array = field.bytes;
      for (let depth = pick(random, [1, 2, 5, 31, 33, 2_000]); depth > 0; depth -= 1)
        bytes = encode([{ ...field, type: LENGTH, bytes }]);
      return put({ ...field, type: LENGTH, bytes });
    }
    case 5:
      return put({ ...field, bytes: pick(random, others) });
    case 6:
      return fields.toSorted(() => random() - 0.5);
    case 7:
      return put({ ...field, bytes: random() < 0.5 ? INVALID_UTF8 : randomBytes(random, 64) });
    default:
      return put({
        ...field,
        varint: pick(random, NUMBERS),
        bytes: field.type === LENGTH ? pick(random, TEXTS) : field.bytes,
      });
  }
}

/** One of the recorded messages, changed in a few places; now and then broken as bytes, or nothing but noise. */
export function mutated(random: Random, recorded: readonly Uint8Array[]): Buffer {
  const fate = random();
  if (fate < 0.03) return randomBytes(random, 300);
  let bytes: Buffer = Buffer.from(pick(random, recorded));
  for (let changes = below(random, 4); changes > 0; changes -= 1) {
    const fields = decode(bytes);
    if (fields !== undefined) bytes = encode(changed(random, fields, recorded));
  }
  if (fate < 0.06) return bytes.subarray(0, below(random, bytes.length + 1));
  if (fate < 0.2)
    for (let flips = 1 + below(random, 4); flips > 0; flips -= 1)
      bytes[below(random, bytes.length)] = below(random, 256);
  return bytes;
}
