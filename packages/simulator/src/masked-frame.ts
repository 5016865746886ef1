/**
 * One binary WebSocket message of a client with OpAMP's header byte 0, masked word by word: several times faster than
 * byte by byte, which a load generator notices. The mask is as good as any, as no proxy has to be confused.
 */
export function maskedFrame(pieces: readonly Uint8Array[]): Buffer {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 1);
  const extended = length < 126 ? 0 : length < 0x10000 ? 2 : 8;
  const header = 6 + extended;
  // The payload starts at a whole word.
  const start = (header + 3) & ~3;
  const buffer = Buffer.allocUnsafe((start + length + 3) & ~3);
  const words = new Int32Array(buffer.buffer, buffer.byteOffset, buffer.length >> 2);
  let at = start - header;
  at = buffer.writeUInt8(0x82, at);
  at = buffer.writeUInt8(0x80 | (extended === 0 ? length : extended === 2 ? 126 : 127), at);
  if (extended === 2) at = buffer.writeUInt16BE(length, at);
  if (extended === 8) at = buffer.writeBigUInt64BE(BigInt(length), at);
  mask = (Math.imul(mask, 1664525) + 1013904223) | 0;
  if (LITTLE_ENDIAN) buffer.writeInt32LE(mask, at);
  else buffer.writeInt32BE(mask, at);
  // The OpAMP header.
  at = buffer.writeUInt8(0, start);
  for (const piece of pieces) {
    buffer.set(piece, at);
    at += piece.length;
  }
  for (let i = start >> 2; i < words.length; i++) words[i] = (words[i] ?? 0) ^ mask;
  return buffer.subarray(start - header, start + length);
}

let mask = 0x5eed;
const LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;
