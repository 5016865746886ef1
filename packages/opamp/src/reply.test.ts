import { expect, test } from 'vitest';
import {
  decodeServerToAgent,
  encodeBadRequest,
  encodeReply,
  type InstanceUid,
  newUuidV7,
  type Reply,
  uidFromBytes,
  uidToBytes,
} from './index.ts';

const uid = newUuidV7(1, new Uint8Array(10));
const newUid = newUuidV7(2, new Uint8Array(10));
const decoded = (reply: Reply) => decodeServerToAgent(new Uint8Array(Buffer.concat(encodeReply(reply))));

test('OS10, S-230: a command with anything else is no reply', () => {
  // @ts-expect-error the compiler refuses it
  const asks: Reply = { uid, command: 'restart', flags: 1 };
  // @ts-expect-error
  const renames: Reply = { uid, command: 'restart', newUid };
  // @ts-expect-error
  const configures: Reply = { uid, command: 'restart', remoteConfig: { hash: uid, bytes: uid } };
  expect([asks, renames, configures]).toHaveLength(3);
});

test('S-063, S-065, S-066, A7: every reply tells what the server can do', () => {
  for (const reply of [{ uid }, { uid, newUid }, { uid, flags: 1 }, { uid, command: 'restart' } as const]) {
    expect(decoded(reply).capabilities).toBe(7n);
  }
});

test('S-079: a new uid', () => {
  const reply = decoded({ uid, newUid });
  expect(uidFromBytes(reply.agentIdentification?.newInstanceUid ?? new Uint8Array())).toBe(newUid);
  expect(uidFromBytes(reply.instanceUid)).toBe(uid);
});

test('S-053, S-259, S-260, S-261, A8, A13: a BAD_REQUEST says nothing else, but the uid if there is one', () => {
  const answer = (received: Uint8Array, header?: InstanceUid) =>
    decodeServerToAgent(new Uint8Array(Buffer.concat(encodeBadRequest('a field is cut off', received, header))));
  const readable = Uint8Array.of(10, 16, ...uidToBytes(uid), 0xff);
  const known = answer(readable, newUid);
  expect(known).toMatchObject({
    errorResponse: { type: 1, errorMessage: 'a field is cut off', Details: { case: undefined } },
    capabilities: 0n,
    flags: 0n,
  });
  expect(uidFromBytes(known.instanceUid)).toBe(uid);
  expect(uidFromBytes(answer(Uint8Array.of(0xff), newUid).instanceUid)).toBe(newUid);
  expect(answer(Uint8Array.of(0xff)).instanceUid).toHaveLength(0);
});
