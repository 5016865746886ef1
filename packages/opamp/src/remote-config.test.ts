import { create, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type ConfigFile,
  canonicalConfigBytes,
  decodeServerToAgent,
  encodeRemoteConfig,
  encodeReply,
  newUuidV7,
  ServerToAgentSchema,
  uidToBytes,
} from './index.ts';

const uid = newUuidV7(1, new Uint8Array(10));
const hash = Uint8Array.of(0xde, 0xad);
const text = fc.string({ unit: 'grapheme', maxLength: 8 });
const names = fc.oneof(text, fc.constantFrom('', '__proto__', '0', 'constructor'));
const file: fc.Arbitrary<ConfigFile> = fc.record(
  { name: names, body: fc.uint8Array({ maxLength: 20 }), contentType: text, role: text },
  { requiredKeys: ['name', 'body'] },
);
const files = fc.uniqueArray(file, { selector: ({ name }) => name, maxLength: 5 });
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('encode once', () => {
  test('the parts together are the message that the ordinary encoder makes', () => {
    fc.assert(
      fc.property(files, fc.nat(3), (list, flags) => {
        const remoteConfig = encodeRemoteConfig({ files: list, hash });
        const parts = encodeReply({ uid, flags, remoteConfig });
        const configMap = Object.fromEntries(
          list.map(({ name, body, contentType = '', role = '' }) => [name, { body, contentType, role }]),
        );
        const message = create(ServerToAgentSchema, {
          instanceUid: uidToBytes(uid),
          capabilities: 7n,
          flags: BigInt(flags),
          remoteConfig: { config: { configMap }, configHash: hash },
        });
        const ordinary = decodeServerToAgent(toBinary(ServerToAgentSchema, message));
        expect(decodeServerToAgent(Buffer.concat(parts))).toEqual(ordinary);
      }),
    );
  });

  test('the buffer is shared by all agents, and the part of each is small', () => {
    const remoteConfig = encodeRemoteConfig({ files: [{ name: 'a', body: new Uint8Array(10_000) }], hash });
    const replies = [1, 2, 3].map((flags) => encodeReply({ uid, flags, remoteConfig }));
    for (const [own, shared] of replies) {
      expect(own?.length).toBeLessThan(32);
      expect(shared).toBe(remoteConfig.bytes);
    }
  });

  test('the same configuration has the same bytes, in whatever order its entries come', () => {
    fc.assert(
      fc.property(files, (list) => {
        const bytes = encodeRemoteConfig({ files: list, hash }).bytes;
        expect(encodeRemoteConfig({ files: [...list].reverse(), hash }).bytes).toEqual(bytes);
      }),
    );
  });

  test('S-128: a configuration without entries is a present, empty one', () => {
    const reply = decodeServerToAgent(encodeRemoteConfig({ files: [], hash }).bytes);
    expect(reply.remoteConfig?.config?.configMap).toEqual({});
    expect(reply.remoteConfig?.configHash).toEqual(hash);
  });
});

describe('S-116: what the hash covers', () => {
  test('the order of entries does not count', () => {
    fc.assert(
      fc.property(files, fc.infiniteStream(fc.nat()), (list, ranks) => {
        const shuffled = list
          .map((each) => ({ each, rank: ranks.next().value ?? 0 }))
          .sort((a, b) => a.rank - b.rank)
          .map(({ each }) => each);
        expect(hex(canonicalConfigBytes(shuffled))).toBe(hex(canonicalConfigBytes(list)));
      }),
    );
  });

  test('two configurations have the same bytes only if they are the same', () => {
    const key = (list: readonly ConfigFile[]) =>
      JSON.stringify(
        list
          .map(({ name, contentType = '', role = '', body }) => [name, contentType, role, hex(body)])
          .sort(([a = ''], [b = '']) => (a < b ? -1 : 1)),
      );
    fc.assert(
      fc.property(files, files, (a, b) => {
        expect(hex(canonicalConfigBytes(a)) === hex(canonicalConfigBytes(b))).toBe(key(a) === key(b));
      }),
      { numRuns: 500 },
    );
  });

  test('every single change changes the bytes', () => {
    fc.assert(
      fc.property(files, file, fc.nat(), fc.nat(7), (list, fresh, at, bit) => {
        const before = hex(canonicalConfigBytes(list));
        const index = at % Math.max(1, list.length);
        const one = list[index];
        if (!list.some(({ name }) => name === fresh.name)) {
          expect(hex(canonicalConfigBytes([...list, fresh]))).not.toBe(before);
        }
        if (one === undefined) return;
        const changed = (change: Partial<ConfigFile>) =>
          hex(canonicalConfigBytes(list.with(index, { ...one, ...change })));
        const body = Uint8Array.from([...one.body, 0]);
        expect(changed({ body })).not.toBe(before);
        expect(changed({ name: `${one.name}\u{10ffff}` })).not.toBe(before);
        expect(changed({ contentType: `${one.contentType ?? ''}x` })).not.toBe(before);
        expect(changed({ role: `${one.role ?? ''}x` })).not.toBe(before);
        expect(hex(canonicalConfigBytes(list.toSpliced(index, 1)))).not.toBe(before);
        if (one.body.length > 0) {
          const flipped = one.body.with(0, (one.body[0] ?? 0) ^ (1 << bit));
          expect(changed({ body: flipped })).not.toBe(before);
        }
      }),
    );
  });

  test('text does not move from one part to the next', () => {
    const body = new Uint8Array();
    const a = canonicalConfigBytes([{ name: 'ab', contentType: 'c', body }]);
    const b = canonicalConfigBytes([{ name: 'a', contentType: 'bc', body }]);
    expect(hex(a)).not.toBe(hex(b));
  });

  test('the bytes are written down: a changed encoding would offer every configuration again', () => {
    const body = Uint8Array.of(1, 2);
    const bytes = canonicalConfigBytes([
      { name: 'b', body: new Uint8Array() },
      { name: 'a', contentType: 't', role: 'r', body },
    ]);
    expect(hex(bytes)).toBe(
      `0000000161${'0000000174'}${'0000000172'}${'000000020102'}0000000162${'00000000'.repeat(3)}`,
    );
  });
});

test.each([
  ['S-115: no hash', { files: [], hash: new Uint8Array() }],
  [
    'S-127: a name twice',
    {
      files: [
        { name: 'a', body: hash },
        { name: 'a', body: hash },
      ],
      hash,
    },
  ],
  ['a name that is no text', { files: [{ name: '\ud800', body: hash }], hash }],
])('%s is refused', (_name, config) => {
  expect(() => encodeRemoteConfig(config)).toThrow(expect.objectContaining({ code: 'bad-config' }));
});
