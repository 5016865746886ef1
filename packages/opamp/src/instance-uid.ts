import { OpampError } from './error.ts';

/** An agent's instance uid: 32 lowercase hex digits without hyphens. Equal uids are equal strings. */
export type InstanceUid = string & { readonly __brand: 'InstanceUid' };

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** The uid in `bytes`. Any 16 bytes are one (S-077); another length is `bad-instance-uid` (S-076). */
export function uidFromBytes(bytes: Uint8Array): InstanceUid {
  if (bytes.length !== 16) {
    throw new OpampError(
      'bad-instance-uid',
      `instance_uid has ${bytes.length} bytes; send the 16 bytes of a UUID, not its text`,
    );
  }
  let hex = '';
  for (const byte of bytes) hex += HEX[byte];
  return hex as InstanceUid;
}

/** The 16 bytes of a uid. */
export function uidToBytes(uid: InstanceUid): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(16);
  for (let i = 0; i < 16; i++) bytes[i] = Number.parseInt(uid.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** The uid as people and the `OpAMP-Instance-UID` header write it: 8-4-4-4-12 (S-032). */
export function formatUid(uid: InstanceUid): string {
  return `${uid.slice(0, 8)}-${uid.slice(8, 12)}-${uid.slice(12, 16)}-${uid.slice(16, 20)}-${uid.slice(20)}`;
}

/** The uid in a text, with or without hyphens, in either case; `undefined` when it is none. */
export function parseUid(text: string): InstanceUid | undefined {
  const uid = text.toLowerCase();
  if (/^[0-9a-f]{32}$/.test(uid)) return uid as InstanceUid;
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uid)) return uid.replaceAll('-', '') as InstanceUid;
  return undefined;
}

/**
 * A new UUID v7 (S-081, RFC 9562) out of the time and 10 random bytes.
 * @param nowMs milliseconds since the Unix epoch
 */
export function newUuidV7(nowMs: number, random: Uint8Array): InstanceUid {
  if (random.length !== 10) throw new RangeError('newUuidV7 takes exactly 10 random bytes');
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Math.floor(nowMs / 0x10000));
  view.setUint16(4, nowMs % 0x10000);
  bytes.set(random, 6);
  view.setUint8(6, 0x70 | (view.getUint8(6) & 0x0f));
  view.setUint8(8, 0x80 | (view.getUint8(8) & 0x3f));
  return uidFromBytes(bytes);
}
