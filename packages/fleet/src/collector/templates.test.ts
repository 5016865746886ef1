import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { understand } from './structure.ts';
import { fill, learn, TemplateBook } from './templates.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
/** A book that also tells whether it learnt a template from a text: it names each new one once. */
function book() {
  let named = 0;
  const one = new TemplateBook((text) => {
    named += 1;
    return sha256(text);
  });
  return {
    get: (digest: string) => one.get(digest),
    mask(text: string, values: readonly string[]) {
      const before = named;
      return { ...one.mask(text, () => values), isNew: named > before };
    },
  };
}
const UID = (n: number): string => `0198aaaa-bbbb-7ccc-8ddd-${String(n).padStart(12, '0')}`;

/** What the Supervisor writes: the uid in two places, a port and a process id, and the rest the same for all. */
const effective = (n: number, filler = ''): string => `exporters:
  otlp/primary:
    endpoint: https://gateway:4317
extensions:
  opamp:
    instance_uid: ${UID(n)}
    ppid: ${10_000 + n}
    server:
      ws:
        endpoint: ws://127.0.0.1:${20_000 + n}/v1/opamp
receivers:
  otlp: {protocols: {grpc: {}}}
service:
  extensions: [opamp]
  pipelines:
    traces:
      exporters: [otlp/primary]
      receivers: [otlp]
  telemetry:
    resource:
      host.name: host-${n}x
      service.instance.id: ${UID(n)}
${filler}`;
const valuesOf = (n: number): string[] => [UID(n), `host-${n}x`, 'short'];

describe('masking', () => {
  test('fill gives the text back, to the letter', () => {
    const text = effective(7);
    const { template, holes } = learn(text, valuesOf(7));
    expect(holes).toEqual([UID(7), '10007', '20007', 'host-7x', UID(7)]);
    expect(template).not.toContain(UID(7));
    expect(fill(template, holes)).toBe(text);
  });

  test('any text, whatever values are known of it', () => {
    const piece = fc.constantFrom(
      '\u0000',
      '\n',
      ': ',
      'key',
      'abcdef',
      '127.0.0.1:4317',
      'ppid: 12',
      '[',
      '- ',
      ' ',
      'é',
      '\r\n',
      '#',
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join('')),
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(text, fc.array(fc.oneof(fc.string(), piece), { maxLength: 4 })), { maxLength: 6 }),
        (texts) => {
          const one = book();
          for (const [body, values] of texts) {
            const { template, holes, digest } = one.mask(body, values);
            expect(fill(template, holes)).toBe(body);
            expect(digest).toBe(sha256(template));
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test('texts that differ in uid, ports, pid and host name are one template', () => {
    const one = book();
    const first = one.mask(effective(1), valuesOf(1));
    const second = one.mask(effective(2), valuesOf(2));
    expect(first.isNew).toBe(true);
    expect(second).toMatchObject({ isNew: false, digest: first.digest });
    expect(fill(second.template, second.holes)).toBe(effective(2));
  });

  test('texts that differ in anything else are not', () => {
    const one = book();
    one.mask(effective(1), valuesOf(1));
    for (const [from, to] of [
      ['otlp/primary', 'otlp/backup'],
      ['receivers: [otlp]', 'receivers: [jaeger]'],
      ['https://gateway:4317', 'https://gateway:4318'],
      ['traces:', 'logs:'],
      ['ppid: ', 'ppid: x\n    other: '],
    ] as const) {
      expect(one.mask(effective(2).replaceAll(from, to), valuesOf(2)).isNew).toBe(true);
    }
  });

  test('an empty text, and one without holes', () => {
    const one = book();
    expect(one.mask('', [])).toMatchObject({ template: '', holes: [], isNew: true });
    expect(one.mask('', []).isNew).toBe(false);
    expect(one.mask('a: 1\n', []).isNew).toBe(true);
    expect(one.mask('a: 1\n', [])).toMatchObject({ holes: [], isNew: false });
  });
});

describe('a hole hides no structure', () => {
  const structureOf = (text: string) => {
    const understood = understand({ '': text });
    return 'structure' in understood ? understood.structure : null;
  };

  test.each([
    ['a list item', 'service: {}\nx:\n  - secondary\n'],
    ['a flow list', 'exporters: [secondary]\n'],
    ['a later flow item', 'exporters: [a, secondary]\n'],
    ['a key', 'secondary: 1\n'],
    ['a nested key', '  secondary:\n    x: 1\n'],
    ['part of an id', 'exporters: [otlp/secondary]\n'],
    ['a key in a flow map', 'exporters: {secondary: {}}\n'],
    ['a value in a flow map', 'x: {a: secondary}\n'],
    ['an alias', 'exporters: *secondary\n'],
    ['an anchor', 'exporters: &secondary\n'],
    ['a tag', 'exporters: !secondary x\n'],
    ['a comment', 'a: 1 # x: secondary\n'],
    ['a block scalar', 'a: |secondary\n'],
    ['a quoted key', '"secondary": 1\n'],
    ['a quoted item with a carriage return', 'exporters: ["x\ra: secondary"]\n'],
    ['a quoted item with a line separator', 'exporters: ["x\u2028a: secondary"]\n'],
    ['what stands far to the right', `a: ${'x '.repeat(600)}secondary\n`],
    ['what begins at the edge', `a: ${'x'.repeat(1_019)} secondary\n`],
  ])('%s is not masked', (_, text) => expect(learn(text, ['secondary']).holes).toEqual([]));

  test.each([
    ['a plain value', 'a: secondary\n'],
    ['within one', 'endpoint: https://secondary:4317\n'],
    ['a quoted one', 'endpoint: "secondary"\n'],
    ['in a list of maps', '- name: secondary\n'],
    ['after others', 'args: first secondary\n'],
    ['after a Windows line end', 'x: 1\r\nname: secondary\r\n'],
  ])('%s is', (_, text) => expect(learn(text, ['secondary']).holes).toEqual(['secondary']));

  test('a token that contains a value is masked whole, so that a text fits a template in one way', () => {
    const one = book();
    expect(one.mask('id: agent-secondary.x/y\n', ['secondary']).holes).toEqual(['agent-secondary.x']);
    expect(one.mask('id: primary/y\n', []).isNew).toBe(false);
    expect(one.mask('id: primary/z\n', []).isNew).toBe(true);
  });

  test('a host named like a component does not make another’s pipelines look the same', () => {
    const one = book();
    const config = (exporter: string): string =>
      `exporters:\n  ${exporter}:\nservice:\n  pipelines:\n    traces:\n      receivers: [otlp]\n      exporters: [${exporter}]\n`;
    one.mask(config('backup'), ['backup']);
    expect(one.mask(config('primary'), ['primary']).isNew).toBe(true);
  });

  test('a text that holds the mark itself is no template for others', () => {
    const one = book();
    one.mask('exporters: [\u0000]\n', []);
    expect(one.mask('exporters: [backup]\n', []).isNew).toBe(true);
    expect(one.mask('exporters: [\u0000]\n', []).isNew).toBe(false);
  });

  test('every text of a template has its structure', () => {
    const token = fc.stringMatching(/^[a-z]{6,8}$/);
    const line = fc.tuple(fc.nat({ max: 8 }), token, token).map(([kind, a, b]) => {
      const lines = [
        `${a}: ${b}`,
        `- ${a}`,
        `${a}: [${b}, x]`,
        `  ${a}: ${b}`,
        `exporters: [${a}]`,
        `  - name: ${a}`,
        `${a}:`,
        `receivers: {${a}: ${b}}`,
        `service: {pipelines: {${a}: {exporters: [${b}]}}}`,
      ];
      return lines[kind] ?? '';
    });
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 8 }),
        fc.array(token, { maxLength: 3 }),
        fc.nat(),
        token,
        (lines, values, which, other) => {
          const text = lines.join('\n');
          const words = text.match(/[a-z]{6,8}/g) ?? [];
          const one = book();
          const first = one.mask(text, [...values, words[which % Math.max(words.length, 1)] ?? '']);
          const twin = fill(
            first.template,
            first.holes.map(() => other),
          );
          const second = one.mask(twin, []);
          if (second.digest !== first.digest || second.isNew) return;
          expect(structureOf(twin)).toEqual(structureOf(text));
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

describe('limits', () => {
  test('forgets the templates used longest ago, at no loss', () => {
    const one = book();
    const text = (n: number): string => `number_${n}: ${'x'.repeat(n)}\n`;
    for (let n = 0; n < 200; n += 1) one.mask(text(n), []);
    expect(one.mask(text(199), []).isNew).toBe(false);
    expect(one.mask(text(0), []).isNew).toBe(true);
  });

  const MiB = 1024 * 1024;
  const filled = (line: string): string => line.repeat(Math.ceil(MiB / line.length)).slice(0, MiB);
  const alike = Array.from({ length: 64 }, (_, n) => `${'a'.repeat(63 + n)}b`);

  test.each([
    ['many colons before a bracket', `k${': '.repeat(400)}{${'aaaaaa '.repeat(30)}\n`],
    ['many colons', `k${': '.repeat(400)}${'aaaaaa '.repeat(30)}\n`],
    ['tokens almost like the values', `a: ${`${'a'.repeat(127)} `.repeat(7)}\n`],
    ['one long value', 'a: aaaaaaaa'],
    ['short lines', 'a: bbbbbb\n'],
    ['line ends', '\n'],
    ['indents', `${' '.repeat(255)}\n`],
    ['loopback addresses', `a: ${'127.0.0.1:'.repeat(90)}\n`],
  ])('1 MiB of %s is masked in no time', (_, line) => {
    const text = filled(line);
    const before = process.cpuUsage();
    const { template, holes } = learn(text, [...alike, 'aaaaaa']);
    const { user } = process.cpuUsage(before);
    expect(fill(template, holes)).toBe(text);
    expect(user / 1_000).toBeLessThan(250); // 3 to 40 ms alone; quadratic patterns took 18 s
  });

  test('a full book of long templates costs no more', () => {
    const one = book();
    for (let n = 0; n < 20; n += 1) one.mask(filled('a: bbbbbb\n') + n, []);
    const text = Buffer.from(`${filled('a: bbbbbb\n')}x`).toString();
    const before = process.cpuUsage();
    one.mask(text, alike);
    expect(process.cpuUsage(before).user / 1_000).toBeLessThan(250);
  });

  test('remembers few long texts, and names those it remembers', () => {
    const one = book();
    const digests = Array.from({ length: 20 }, (_, n) => one.mask(filled(`a: ${n}\n`), []).digest);
    expect(one.get(digests[0] ?? '')).toBeUndefined();
    expect(one.get(digests[19] ?? '')).toBe(filled('a: 19\n'));
  });
});

test('10,000 texts of 20 KiB', () => {
  const filler = Array.from({ length: 520 }, (_, n) => `# processors, line ${n} of the common text`).join('\n');
  const texts = Array.from({ length: 10_000 }, (_, n) => Buffer.from(effective(n, filler)).toString());
  const size = texts[0]?.length ?? 0;
  const one = book();
  const began = performance.now();
  let added = 0;
  for (const [n, text] of texts.entries()) if (one.mask(text, valuesOf(n)).isNew) added += 1;
  const took = performance.now() - began;
  console.log(`templates: 10,000 texts of ${Math.round(size / 1_024)} KiB in ${took.toFixed(0)} ms, ${added} learnt`);
  expect(size).toBeGreaterThan(20 * 1_024);
  expect(added).toBe(1);
  expect(took).toBeLessThan(3_000);
});
