import { create, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  AgentToServerSchema,
  type AnyValue,
  AnyValueSchema,
  ArrayValueSchema,
  type ComponentDetails,
  ComponentDetailsSchema,
  type ComponentHealth,
  ComponentHealthSchema,
  decodeAgentToServer,
  decodeServerToAgent,
  encodeAgentToServer,
  KeyValueListSchema,
  OpampError,
  peekInstanceUid,
  ServerToAgentSchema,
  uidFromBytes,
} from './index.ts';
import { defaultLimits } from './limits.ts';

const instanceUid = new Uint8Array(16).fill(7);

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (!(error instanceof OpampError)) throw error;
    expect(error.message).not.toBe('');
    return error.code;
  }
  return 'none';
}

/** A field of type message or bytes, by hand. */
function field(number: number, content: Uint8Array): Uint8Array {
  return new BinaryWriter().tag(number, WireType.LengthDelimited).bytes(content).finish();
}

/** `levels` messages inside each other, from the inside out: no encoder recurses. */
function nested(levels: number, wrap: (inner: Uint8Array) => Uint8Array): Uint8Array {
  let inner: Uint8Array = new Uint8Array();
  for (let level = 1; level < levels; level++) inner = wrap(inner);
  return inner;
}

const health = (inner: Uint8Array) => field(6, Buffer.concat([field(1, Uint8Array.of(97)), field(2, inner)]));
const array = (inner: Uint8Array) => field(5, field(1, inner));
const list = (inner: Uint8Array) => field(6, field(1, field(2, inner)));
const component = (inner: Uint8Array) => field(2, field(2, inner));
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const withUid = (bytes: Uint8Array) => Buffer.concat([field(1, instanceUid), bytes]);
const asHealth = (levels: number) => withUid(field(5, nested(levels, health)));

describe('depth (R12, S-106)', () => {
  test('health: 32 levels pass, 33 do not', () => {
    let deepest = decodeAgentToServer(asHealth(32)).health;
    let levels = 0;
    for (; deepest !== undefined; levels++) deepest = deepest.componentHealthMap['a'];
    expect(levels).toBe(32);
    expect(codeOf(() => decodeAgentToServer(asHealth(33)))).toBe('malformed');
  });

  test.each([
    ['health', (levels: number) => field(5, nested(levels, health))],
    ['arrays', (levels: number) => field(3, field(1, field(2, nested(levels, array))))],
    ['lists', (levels: number) => field(3, field(2, field(2, nested(levels, list))))],
    ['components', (levels: number) => field(14, field(1, field(2, nested(levels, component))))],
  ])('%s: a few levels pass; 4,000 are refused in no time and on no stack', (_name, build) => {
    expect(codeOf(() => decodeAgentToServer(withUid(build(8))))).toBe('none');
    const deep = withUid(build(200));
    const deeper = withUid(build(4_000));
    const started = performance.now();
    expect(codeOf(() => decodeAgentToServer(deep))).toBe('malformed');
    expect(codeOf(() => decodeAgentToServer(deeper))).toBe('malformed');
    expect(performance.now() - started).toBeLessThan(500);
  });

  test('unknown groups inside each other are malformed, without recursion', () => {
    const open = new BinaryWriter();
    for (let i = 0; i < 100_000; i++) open.tag(99, WireType.StartGroup);
    expect(codeOf(() => decodeAgentToServer(withUid(open.finish())))).toBe('malformed');
  });
});

describe('malformed', () => {
  test.each([
    ['random bytes', Uint8Array.of(0xff, 0xff, 0xff, 0xff)],
    ['a cut message', encodeAgentToServer(create(AgentToServerSchema, { instanceUid })).subarray(0, 9)],
    ['a length beyond the end', Uint8Array.of(0x0a, 0x7f, 1)],
    ['a header byte, as on WebSocket (S-027)', Buffer.concat([Uint8Array.of(0), field(1, instanceUid)])],
  ])('%s', (_name, bytes) => {
    expect(codeOf(() => decodeAgentToServer(bytes))).toBe('malformed');
  });

  const latin1 = Uint8Array.of(0x61, 0xe4);
  test.each([
    ['a text field', field(5, field(4, latin1))],
    ['the name of a file', field(6, field(1, field(1, Buffer.concat([field(1, latin1), field(2, new Uint8Array())]))))],
    ['a content type', field(6, field(1, field(1, field(2, field(2, latin1)))))],
    ['the key of an attribute', field(3, field(1, field(1, latin1)))],
    ['the value of an attribute', field(3, field(1, field(2, field(1, latin1))))],
    ['an element of a list', field(12, field(1, latin1))],
  ])('S-259: %s that is not UTF-8 is malformed, as to opamp-go: nothing is replaced unseen', (_name, bytes) => {
    expect(codeOf(() => decodeAgentToServer(withUid(bytes)))).toBe('malformed');
  });

  test.each([0, 15, 17, 26])('S-076: a uid of %i bytes', (length) => {
    const bytes = encodeAgentToServer(create(AgentToServerSchema, { instanceUid: new Uint8Array(length) }));
    expect(codeOf(() => decodeAgentToServer(bytes))).toBe('bad-instance-uid');
  });

  test('the cause is kept', () => {
    expect(() => decodeServerToAgent(Uint8Array.of(0xff))).toThrow(
      expect.objectContaining({ name: 'OpampError', cause: expect.any(Error) }),
    );
  });

  test('R11: whatever the bytes, there is a message or a code, never anything else', () => {
    const valid = encodeAgentToServer(
      create(AgentToServerSchema, {
        instanceUid,
        capabilities: 7n,
        agentDescription: {
          identifyingAttributes: [{ key: 'k', value: { value: { case: 'intValue', value: -1n } } }],
        },
        health: { componentHealthMap: { a: { status: 'ok', startTimeUnixNano: 2n ** 64n - 1n } } },
        effectiveConfig: {
          configMap: { configMap: { '': { body: new Uint8Array(20), contentType: 'text/yaml' } } },
        },
      }),
    );
    const mutated = fc
      .array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
      .map((changes) => {
        const bytes = valid.slice();
        for (const [at, value] of changes) bytes[at] = value;
        return bytes;
      });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), mutated), (bytes) => {
        expect(['none', 'malformed', 'bad-instance-uid']).toContain(codeOf(() => decodeAgentToServer(bytes)));
        peekInstanceUid(bytes);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('what must survive', () => {
  describe('S-273: unknown fields of every wire type, at any depth, come through byte for byte', () => {
    const unknown = new BinaryWriter()
      .tag(999, WireType.Varint)
      .uint64(2n ** 64n - 1n)
      .tag(1000, WireType.Bit64)
      .fixed64(7n)
      .tag(1001, WireType.LengthDelimited)
      .bytes(Uint8Array.of(0xff, 0, 0xfe))
      .tag(1002, WireType.StartGroup)
      .tag(1, WireType.Varint)
      .uint32(5)
      .tag(1002, WireType.EndGroup)
      .tag(1003, WireType.Bit32)
      .fixed32(9)
      .tag(999, WireType.Varint)
      .uint32(6)
      .finish();
    const entry = Buffer.concat([field(1, Uint8Array.of(0x61)), field(2, unknown)]);

    test.each([
      ['the message', unknown],
      ['health', field(5, unknown)],
      ['a component in the map of healths', field(5, field(6, entry))],
      ['a file of the effective config', field(6, field(1, field(1, entry)))],
      ['an attribute', field(3, field(1, unknown))],
      ['the value of an attribute', field(3, field(1, field(2, unknown)))],
    ])('in %s of an agent', (_name, bytes) => {
      const sent = withUid(bytes);
      expect(hex(encodeAgentToServer(decodeAgentToServer(sent)))).toBe(hex(sent));
    });

    test.each([
      ['the message', unknown],
      ['the remote configuration', field(3, unknown)],
      ['a file of the remote configuration', field(3, field(1, field(1, entry)))],
      ['the error', field(2, unknown)],
    ])('in %s of a server', (_name, bytes) => {
      const sent = withUid(bytes);
      expect(hex(toBinary(ServerToAgentSchema, decodeServerToAgent(sent)))).toBe(hex(sent));
    });
  });

  test('S-129: bodies are bytes and content types any text', () => {
    const body = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const sent = create(AgentToServerSchema, {
      instanceUid,
      effectiveConfig: { configMap: { configMap: { 'ä 🚩': { body, contentType: 'x/unheard-of; v=ü', role: '?' } } } },
    });
    expect(decodeAgentToServer(encodeAgentToServer(sent))).toEqual(sent);
  });

  test('S-274: an unknown enum value stays a number', () => {
    const status = withUid(field(7, new BinaryWriter().tag(2, WireType.Varint).uint32(42).finish()));
    expect(decodeAgentToServer(status).remoteConfigStatus?.status).toBe(42);
  });

  test('present and empty is not absent', () => {
    const content = { agentDisconnect: {}, customCapabilities: {}, packageStatuses: {}, effectiveConfig: {} };
    const message = decodeAgentToServer(encodeAgentToServer(create(AgentToServerSchema, { instanceUid, ...content })));
    for (const name of Object.keys(content)) expect(message).toHaveProperty(name, expect.any(Object));
    expect(message.health).toBeUndefined();
    const reply = create(ServerToAgentSchema, {
      command: {},
      packagesAvailable: {},
      remoteConfig: { config: {} },
    });
    expect(decodeServerToAgent(toBinary(ServerToAgentSchema, reply))).toEqual(reply);
  });

  test('S-098, S-103: every kind of value, 64 bits wide', () => {
    const values: readonly AnyValue['value'][] = [
      { case: 'stringValue', value: '' },
      { case: 'boolValue', value: false },
      { case: 'intValue', value: -(2n ** 63n) },
      { case: 'intValue', value: 2n ** 63n - 1n },
      { case: 'doubleValue', value: Number.MIN_VALUE },
      { case: 'bytesValue', value: Uint8Array.of(0, 255) },
      { case: 'arrayValue', value: create(ArrayValueSchema, { values: [{}] }) },
      { case: 'kvlistValue', value: create(KeyValueListSchema, { values: [{ key: '' }] }) },
      { case: undefined },
    ];
    const message = create(AgentToServerSchema, {
      instanceUid,
      agentDescription: { identifyingAttributes: values.map((value) => ({ key: 'k', value: { value } })) },
      health: { startTimeUnixNano: 2n ** 64n - 1n },
    });
    expect(decodeAgentToServer(encodeAgentToServer(message))).toEqual(message);
  });

  test('R18: names out of prototypes are names', () => {
    const names = ['__proto__', 'constructor', 'prototype', 'toString'];
    const details = names.map((name) => [name, create(ComponentDetailsSchema)] as const);
    const bodies = names.map((name) => [name, { body: Uint8Array.of(1) }] as const);
    const message = create(AgentToServerSchema, {
      instanceUid,
      availableComponents: { components: Object.fromEntries(details) },
      effectiveConfig: { configMap: { configMap: Object.fromEntries(bodies) } },
    });
    const decoded = decodeAgentToServer(encodeAgentToServer(message));
    expect(Object.keys(decoded.availableComponents?.components ?? {})).toEqual(names);
    expect(Object.keys(decoded.effectiveConfig?.configMap?.configMap ?? {})).toEqual(names);
    expect(({} as { body?: unknown }).body).toBeUndefined();
    expect(Object.getPrototypeOf(decoded.effectiveConfig?.configMap?.configMap)).toBe(Object.prototype);
  });

  test('byte fields are plain, also out of a Buffer', () => {
    const { instanceUid: uid } = decodeAgentToServer(Buffer.from(withUid(new Uint8Array())));
    expect(uid.constructor).toBe(Uint8Array);
  });

  test('what is decoded is encoded the same', () => {
    const content = fc.tuple(anyValueOf(3), healthOf(3), detailsOf(3), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));
    fc.assert(
      fc.property(content, ([value, componentHealth, details, sequenceNum]) => {
        const message = create(AgentToServerSchema, {
          instanceUid,
          sequenceNum,
          health: componentHealth,
          agentDescription: { nonIdentifyingAttributes: [{ key: 'k', value }] },
          availableComponents: { components: { receivers: details } },
        });
        expect(decodeAgentToServer(encodeAgentToServer(message))).toEqual(message);
      }),
    );
  });
});

/** Map entries by name, a few. */
const named = <Value>(value: fc.Arbitrary<Value>) => fc.dictionary(fc.string({ maxLength: 5 }), value, { maxKeys: 2 });

function anyValueOf(depth: number): fc.Arbitrary<AnyValue> {
  const leaf = fc.string().map((value) => create(AnyValueSchema, { value: { case: 'stringValue', value } }));
  if (depth === 0) return leaf;
  const values = fc.array(anyValueOf(depth - 1), { maxLength: 2 });
  const node = values.map((inner) =>
    create(AnyValueSchema, { value: { case: 'arrayValue', value: { values: inner } } }),
  );
  return fc.oneof(leaf, node);
}

function healthOf(depth: number): fc.Arbitrary<ComponentHealth> {
  const inner = depth === 0 ? fc.constant({}) : named(healthOf(depth - 1));
  return fc
    .tuple(fc.string(), inner)
    .map(([status, componentHealthMap]) => create(ComponentHealthSchema, { status, componentHealthMap }));
}

function detailsOf(depth: number): fc.Arbitrary<ComponentDetails> {
  const inner = depth === 0 ? fc.constant({}) : named(detailsOf(depth - 1));
  return inner.map((subComponentMap) => create(ComponentDetailsSchema, { subComponentMap }));
}

test('the uid is found in the readable beginning', () => {
  const broken = Buffer.concat([field(3, Uint8Array.of(0xff)), field(1, instanceUid), Uint8Array.of(0xff, 0xff)]);
  expect(codeOf(() => decodeAgentToServer(broken))).toBe('malformed');
  expect(peekInstanceUid(broken)).toBe(uidFromBytes(instanceUid));
  expect(peekInstanceUid(field(1, Uint8Array.of(1)))).toBeUndefined();
  expect(peekInstanceUid(new Uint8Array())).toBeUndefined();
});

test('R13: a message of more fields than the limit is refused before it is decoded, wherever they are', () => {
  const empty = (number: number, count: number) => Buffer.concat(Array(count).fill(field(number, new Uint8Array())));
  const entries = (number: number, value: Uint8Array, count: number) =>
    Buffer.concat(Array(count).fill(field(number, Buffer.concat([field(1, Uint8Array.of(97)), field(2, value)]))));
  const { fields } = defaultLimits;
  const many: Record<string, Uint8Array> = {
    attributes: field(3, empty(1, fields)),
    'values of an array': field(3, field(1, field(2, field(5, empty(1, fields))))),
    'entries of a map': field(5, entries(6, new Uint8Array(), fields)),
    'attributes of an entry of a map': field(5, entries(6, empty(7, fields / 2), 2)),
    'unknown fields': empty(999, fields),
    'fields of a group': Uint8Array.of(0xa3, 0x06, ...new Uint8Array(2 * fields).fill(8), 0xa4, 0x06),
    'fields of one message, over and over': empty(3, fields),
  };
  for (const [what, bytes] of Object.entries(many)) {
    const began = process.threadCpuUsage();
    expect(
      codeOf(() => decodeAgentToServer(withUid(bytes))),
      what,
    ).toBe('malformed');
    const { user, system } = process.threadCpuUsage(began);
    expect((user + system) / 1_000).toBeLessThan(50);
  }
  // As many bytes, in one text: nothing to count.
  const body = new Uint8Array(3 * fields).fill(10);
  expect(codeOf(() => decodeAgentToServer(withUid(field(6, field(1, entries(1, field(1, body), 1))))))).toBe('none');
  expect(codeOf(() => decodeAgentToServer(withUid(Buffer.concat([field(6, body), field(3, Buffer.alloc(10))]))))).toBe(
    'malformed',
  );
});
