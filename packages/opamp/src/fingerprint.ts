/**
 * A 53-bit fingerprint of bytes, to tell a repeated message from a new one without keeping its bytes (S-054). Not
 * cryptographic: who builds a collision hides a message of its own.
 */
export function fingerprint(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const words = bytes.length & ~3;
  let a = 0x9e3779b9 ^ bytes.length;
  let b = 0x85ebca6b;
  const mix = (word: number) => {
    a = Math.imul(a ^ word, 0x9e3779b1);
    a ^= a >>> 15;
    b = Math.imul(b ^ word ^ (a << 7), 0xc2b2ae35);
    b ^= b >>> 13;
  };
  for (let at = 0; at < words; at += 4) mix(view.getInt32(at, true));
  for (let at = words; at < bytes.length; at++) mix(view.getUint8(at) + 0x100);
  return (a >>> 0) * 2 ** 21 + (b >>> 11);
}
