/**
 * A 53-bit fingerprint of bytes, to tell a repeated message from a new one without keeping its bytes (S-054). Not
 * cryptographic: who builds a collision hides a message of its own.
 */
export function fingerprint(bytes: Uint8Array): number {
  const { length } = bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  const words = length & ~3;
  let a = 0x9e3779b9 ^ length;
  let b = 0x85ebca6b;
  for (let at = 0; at < words; at += 4) {
    const word = view.getInt32(at, true);
    a = Math.imul(a ^ word, 0x9e3779b1);
    a ^= a >>> 15;
    b = Math.imul(b ^ word, 0xc2b2ae35) ^ a;
  }
  for (let at = words; at < length; at++) {
    a = Math.imul(a ^ view.getUint8(at), 0x9e3779b1);
    a ^= a >>> 15;
    b = Math.imul(b ^ a, 0xc2b2ae35);
  }
  b ^= b >>> 15;
  return (a >>> 0) * 2 ** 21 + (b >>> 11);
}
