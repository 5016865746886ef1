import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import {
  CustomMessageSchema,
  decodeServerToAgent,
  encodeBadRequest,
  encodeRemoteConfig,
  encodeReply,
  newUuidV7,
  PackagesAvailableSchema,
  type Reply,
  uidFromBytes,
} from './index.ts';

const uid = newUuidV7(1, new Uint8Array(10));
const newUid = newUuidV7(2, new Uint8Array(10));
const remoteConfig = encodeRemoteConfig({ files: [], hash: Uint8Array.of(1) });
const draft: Reply = { uid, capabilities: 7 };
const decoded = (reply: Reply) => decodeServerToAgent(new Uint8Array(Buffer.concat(encodeReply(reply))));

describe('what travels alone (I10)', () => {
  const error = { type: 'unknown', message: 'no store' } as const;
  const others: readonly Partial<Reply>[] = [
    { flags: 1 },
    { newUid },
    { remoteConfig },
    { packagesAvailable: create(PackagesAvailableSchema) },
    { customMessage: create(CustomMessageSchema) },
  ];

  test.each(others)('S-053, S-230: %o goes with neither an error nor a command', (other) => {
    const mixed = expect.objectContaining({ code: 'mixed-reply' });
    expect(() => encodeReply({ ...draft, ...other, error })).toThrow(mixed);
    expect(() => encodeReply({ ...draft, ...other, command: 'restart' })).toThrow(mixed);
    expect(() => encodeReply({ ...draft, ...other })).not.toThrow();
  });

  test('an error and a command do not go together either', () => {
    expect(() => encodeReply({ ...draft, error, command: 'restart' })).toThrow();
  });

  test('what is undefined is not there', () => {
    expect(() => encodeReply({ ...draft, error, remoteConfig: undefined, command: undefined, flags: 0 })).not.toThrow();
  });
});

test('S-053, A8: an error reply has neither capabilities nor flags', () => {
  const reply = decoded({ ...draft, error: { type: 'unknown', message: '' } });
  expect(reply).toMatchObject({
    capabilities: 0n,
    flags: 0n,
    errorResponse: { type: 0, Details: { case: undefined } },
  });
});

test('S-265: the time to wait is in nanoseconds', () => {
  const reply = decoded({
    ...draft,
    error: { type: 'unavailable', message: 'busy', retryAfterMs: 30_000.4 },
  });
  expect(reply.errorResponse?.Details.value?.retryAfterNanoseconds).toBe(30_000_000_000n);
});

test('S-079: a new uid', () => {
  const reply = decoded({ ...draft, newUid });
  expect(uidFromBytes(reply.agentIdentification?.newInstanceUid ?? new Uint8Array())).toBe(newUid);
  expect(uidFromBytes(reply.instanceUid)).toBe(uid);
});

test('S-259, S-260, S-261, A13: a BAD_REQUEST, with the uid if there is one', () => {
  const known = decodeServerToAgent(encodeBadRequest('the uid has 15 bytes', uid));
  expect(known).toMatchObject({
    errorResponse: { type: 1, errorMessage: 'the uid has 15 bytes' },
    capabilities: 0n,
  });
  expect(uidFromBytes(known.instanceUid)).toBe(uid);
  expect(decodeServerToAgent(encodeBadRequest('x')).instanceUid).toHaveLength(0);
});
