import { OpampError } from './error.ts';

/** One WebSocket message: the header, the varint 0 in one byte (S-011), then the protobuf bytes. Plain HTTP bodies have no header (S-027). */
export function frame(payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const framed = new Uint8Array(payload.length + 1);
  framed.set(payload, 1);
  return framed;
}

/**
 * The protobuf bytes of a WebSocket message, as a view. The header is a varint of 1 to 10 bytes whose value is 0
 * (S-013), so `80 80 00` is one as well; anything else is `bad-header` (S-012).
 */
export function unframe(message: Uint8Array): Uint8Array {
  for (let i = 0; i < 10; i++) {
    const byte = message[i];
    if (byte === 0) return message.subarray(i + 1);
    if (byte !== 0x80) break;
  }
  throw new OpampError('bad-header', 'a WebSocket message starts with a header of value 0 (one byte 00)');
}
