import { create, toBinary } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import {
  AgentToServerSchema,
  decodeAgentToServer,
  decodeServerToAgent,
  encodeAgentToServer,
  encodeRemoteConfig,
  encodeReply,
  type ServerToAgent,
  ServerToAgentSchema,
  uidFromBytes,
  unframe,
} from './index.ts';

const instanceUid = Buffer.from('018f3a2b4c5d7e6f8091a2b3c4d5e6f7', 'hex');
const uid = uidFromBytes(instanceUid);
const hex = (...parts: readonly Uint8Array[]) => Buffer.concat(parts).toString('hex');
const encoded = (message: ServerToAgent) => hex(toBinary(ServerToAgentSchema, message));
const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));

// Known answers, computed with another implementation from the published schema.
const V1 = '0a10018f3a2b4c5d7e6f8091a2b3c4d5e6f72001';
const V2 = '0a10018f3a2b4c5d7e6f8091a2b3c4d5e6f710ac022087304a00';
const V3 =
  '0a10018f3a2b4c5d7e6f8091a2b3c4d5e6f710011a2d0a190a0c736572766963652e6e616d6512090a076f74656c636f6c12100a016e120b18ffffffffffffffffff012001';
const V4 =
  '0a10018f3a2b4c5d7e6f8091a2b3c4d5e6f710022081102a1e080111010000000000000029020000000000000032080a016112031a0178';
const V5 = '0a10018f3a2b4c5d7e6f8091a2b3c4d5e6f730013807';
const V6 = '0a10018f3a2b4c5d7e6f8091a2b3c4d5e6f74a00';
const V7 = '0a10018f3a2b4c5d7e6f8091a2b3c4d5e6f71a1f0a170a150a0012110a04613a20311209746578742f79616d6c1204deadbeef3803';
const V8 = '0a10018f3a2b4c5d7e6f8091a2b3c4d5e6f7121008021204627573791a060880d88ee16f';
const V9 = '8080000a10018f3a2b4c5d7e6f8091a2b3c4d5e6f72001';

const text = (key: string, value: string) => ({
  key,
  value: { value: { case: 'stringValue' as const, value } },
});

test.each([
  ['V1', V1, { capabilities: 1n }],
  ['V2', V2, { sequenceNum: 300n, capabilities: 0x1807n, agentDisconnect: {} }],
  [
    'V3',
    V3,
    {
      sequenceNum: 1n,
      capabilities: 1n,
      agentDescription: {
        identifyingAttributes: [text('service.name', 'otelcol')],
        nonIdentifyingAttributes: [{ key: 'n', value: { value: { case: 'intValue' as const, value: -1n } } }],
      },
    },
  ],
  [
    'V4',
    V4,
    {
      sequenceNum: 2n,
      capabilities: 0x801n,
      health: {
        healthy: true,
        startTimeUnixNano: 1n,
        statusTimeUnixNano: 2n,
        componentHealthMap: { a: { lastError: 'x' } },
      },
    },
  ],
])('%s: an AgentToServer, both ways', (_name, wire, content) => {
  const message = create(AgentToServerSchema, { instanceUid, ...content });
  expect(hex(encodeAgentToServer(message))).toBe(wire);
  expect(hex(encodeAgentToServer(decodeAgentToServer(bytes(wire))))).toBe(wire);
});

test('V5: a reply that asks for the full state', () => {
  expect(hex(...encodeReply({ uid, flags: 1 }))).toBe(V5);
});

test('V6: a restart command is an empty sub-message that is present (S-231)', () => {
  expect(encoded(create(ServerToAgentSchema, { instanceUid, command: {} }))).toBe(V6);
  expect(hex(...encodeReply({ uid, command: 'restart' }))).toBe(V6.replace('4a00', '38074a00'));
});

test('V7: a configuration under the empty name; the field order differs, the message does not', () => {
  const body = new TextEncoder().encode('a: 1');
  const remoteConfig = encodeRemoteConfig({
    files: [{ name: '', body, contentType: 'text/yaml' }],
    hash: bytes('deadbeef'),
  });
  const parts = encodeReply({ uid, remoteConfig });
  expect(parts).toHaveLength(2);
  expect(encoded(decodeServerToAgent(bytes(hex(...parts))))).toBe(V7.replace(/3803$/, '3807'));
  expect(encoded(decodeServerToAgent(bytes(V7)))).toBe(V7);
});

test('V7 without the empty key written out is the same message', () => {
  const short =
    '0a10018f3a2b4c5d7e6f8091a2b3c4d5e6f71a1d0a150a1312110a04613a20311209746578742f79616d6c1204deadbeef3803';
  expect(decodeServerToAgent(bytes(short))).toEqual(decodeServerToAgent(bytes(V7)));
});

test('V8: unavailable, try again in 30 s', () => {
  const { errorResponse } = decodeServerToAgent(bytes(V8));
  expect(errorResponse).toMatchObject({ type: 2, errorMessage: 'busy' });
  expect(errorResponse?.Details.value?.retryAfterNanoseconds).toBe(30_000_000_000n);
  expect(encoded(decodeServerToAgent(bytes(V8)))).toBe(V8);
});

test('V9: a header of value 0 in three bytes (S-013)', () => {
  expect(hex(unframe(bytes(V9)))).toBe(V1);
});
