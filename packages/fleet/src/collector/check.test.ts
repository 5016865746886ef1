import { describe, expect, test } from 'vitest';
import { LIMITS } from '../limits.ts';
import { checkText, sizeOf } from './check.ts';

const file = (body: string) => ({ body, contentType: 'text/yaml' });
const check = (body: string) => checkText({ '': file(body) });
const GOOD = `receivers: {otlp: }
exporters: {debug: }
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [debug]}
`;

test('a good one has no problems', () => expect(check(GOOD)).toEqual([]));
test.each([
  'k: |\n    x\n    \ttab\n',
  'k: "a\\\\/b\\tc /"\n',
  "k: [\"\", \"\\\"\", \"\\\\\", '', '''', 'it''s']\n",
  "k: '\\/'\n",
  'k: a\tb !x %y\nl: :4317\nm: {"a":[b], n: "c?", o: [0.0.0.0:4317], p:\n  [q]}\n',
  'k: a?b\n"<<": x\n',
  'a: &a {x: 1}\nb: &b [*a, {y: 2}]\nc: {<<: *a}\nd: {<<: [*a, {z: 1}]}\n',
  'k: !!str 1\nn: !!map {a: !!seq [!!int 1, !!null ]}\n',
  'k: "%x"\n"": 1\n',
])('%j is no problem', (text) => expect(check(`${text}${GOOD}`)).toEqual([]));
test('JSON is no problem, however it is indented', () => {
  const config = { receivers: { otlp: null }, service: { pipelines: { traces: { receivers: ['otlp'], n: 1 } } } };
  for (const space of [0, 2, '\t']) expect(check(JSON.stringify(config, null, space))).toEqual([]);
});
test('comments, references and a byte order mark are no problems', () => {
  expect(check(`\uFEFF# edge\n${GOOD.replace('debug: ', "debug: {x: '$env:X'}")}`)).toEqual([]);
});

describe('broken texts are refused with line and column', () => {
  test.each([
    ['receivers:\n  otlp:\n\tprotocols:\n', 'yaml-syntax', 3, 1],
    ['receivers: {otlp: \nservice: 1\n', 'yaml-syntax', 1, 19],
    ['a: "b\n', 'yaml-syntax', 2, 1],
    ['a: b: c\n', 'yaml-syntax', 1, 4],
    ['a: [1, 2\nb: 3\n', 'yaml-syntax', 2, 1],
    ['a: *nowhere\n', 'yaml-syntax', 1, 4],
    ['a: 1\n---\nb: 2\n', 'yaml-syntax', 2, 1],
    // Refused by the collector's parser, in comments too (interop/lawless.test.ts: it is stored all the same).
    ['a: 1 # \u0007\n', 'yaml-syntax', 1, 8],
    ['a: 1\nb: "\u0081"\n', 'yaml-syntax', 2, 5],
    ['a: 1 # x\u2028y\n', 'yaml-syntax', 1, 9],
    ['a: "\ud800"\n', 'yaml-syntax', 1, 5],
    ['%YAML 1.1\n---\na: 1\n', 'yaml-syntax', 1, 1],
    ['a: 1\n%TAG ! tag:x:\n', 'yaml-syntax', 2, 1],
    ['a: 1\n \t\n', 'yaml-syntax', 2, 2],
    ['\uFEFF\ta: 1\n', 'yaml-syntax', 1, 2],
    ['a: [b\n  \t]\n', 'yaml-syntax', 2, 3],
    ['a: [/var/log/app?.log]\n', 'yaml-syntax', 1, 5],
    ['a: {receivers:[otlp], exporters: [debug]}\n', 'yaml-syntax', 1, 15],
    ['a: {b\n  : c}\n', 'yaml-syntax', 2, 3],
    ['a: "\\ud83d\\ude00"\n', 'yaml-syntax', 1, 4],
    ['? a\n: b\n', 'yaml-syntax', 1, 1],
    ['x:\n  y:\n    - "a \\\n      b\\"\n  c: "d"\n', 'yaml-syntax', 3, 7],
    ["x:\n  y:\n    - 'a\n      b''\n  c: 'd'\n", 'yaml-syntax', 3, 7],
    ['a: &b {c: *b}\n', 'yaml-syntax', 1, 11],
    ['a: &b x\nc: {<<: *b}\n', 'yaml-syntax', 2, 5],
    ['c: {<<: [{}, x]}\n', 'yaml-syntax', 1, 5],
    ['a: &b? c\n', 'yaml-syntax', 1, 4],
    ['a: !!int abc\n', 'yaml-syntax', 1, 4],
    ['a: !!float abc\n', 'yaml-syntax', 1, 4],
    ['a: !!binary aGk\n', 'yaml-syntax', 1, 4],
    ['a: [!, x]\n', 'yaml-syntax', 1, 5],
    ['a: b\nc: "x\\\\\\/y"\n', 'yaml-syntax', 2, 4],
    ['a:\n  - : b\n', 'yaml-syntax', 2, 5],
    ['a: "\\ud800"\n', 'yaml-syntax', 1, 4],
    ['a: {endpoint: :4317}\n', 'yaml-syntax', 1, 15],
    ['a: [!!str, b]\n', 'yaml-syntax', 1, 10],
    ['a:\n  - \tb\n', 'yaml-syntax', 2, 4],
    ['a: |\n    x\n  \t\n    y\n', 'yaml-syntax', 3, 3],
    ['a: |\n  \tx\n', 'yaml-syntax', 2, 1],
    ['- a\n- b\n', 'not-a-mapping', 1, 1],
    ['just words\n', 'not-a-mapping', 1, 1],
    ['receivers:\n  otlp: {}\n  otlp: {}\n', 'duplicate-key', 3, 3],
    ['a: {b: 1, c: 2, b: 3}\n', 'duplicate-key', 1, 17],
    ['- x: 1\n', 'not-a-mapping', 1, 1],
    ['a:\n  - {b: 1}\n  - b: 1\n    "b": 2\n', 'duplicate-key', 4, 5],
    ['1: a\n"1": b\n', 'duplicate-key', 2, 1],
    ['x: &x {a: 1}\ny: &y {b: 1}\nz:\n  <<: *x\n  <<: *y\n', 'duplicate-key', 5, 3],
  ])('%j is %s at %i:%i', (body, rule, line, column) => {
    const [first] = check(body);
    expect(first).toMatchObject({ file: '', rule, line, column });
    expect(first?.message).not.toMatch(/ at line \d/);
    expect(first?.message.length).toBeGreaterThan(8);
  });

  test('the file is named, and every file is looked at', () => {
    const problems = checkText({ 'a.yaml': file('a: "'), 'b.yaml': file('- x'), '': file(GOOD) });
    expect(problems.map(({ file: name, rule }) => `${name} ${rule}`)).toEqual([
      'a.yaml yaml-syntax',
      'b.yaml not-a-mapping',
    ]);
  });

  test('all duplicates are named, up to a number', () => {
    const body = Array.from({ length: 60 }, () => 'a: 1').join('\n');
    const problems = check(body);
    expect(problems).toHaveLength(LIMITS.problemsShown);
    expect(problems[0]).toMatchObject({
      line: 2,
      message: 'key "a" stands twice in one mapping; keep one of them',
    });
  });
});

describe('a configuration that would run nothing, or nothing at all', () => {
  test.each([
    ['', 'no-pipelines'],
    ['# only a comment\n', 'no-pipelines'],
    ['receivers: {otlp: }\n', 'no-pipelines'],
    ['service: {}\n', 'no-pipelines'],
    ['service: {pipelines: }\n', 'no-pipelines'],
    ['service: {pipelines: [traces]}\n', 'no-pipelines'],
  ])('%j is %s', (body, rule) => expect(check(body)).toMatchObject([{ rule, line: 1, column: 1 }]));

  test('an empty map would stop the collector (I8, P7)', () => {
    expect(checkText({})).toMatchObject([{ rule: 'empty' }]);
    expect(checkText({})[0]?.message).toContain('would stop the collector');
  });

  test('pipelines may stand in any of the files', () => {
    expect(
      checkText({
        base: file('receivers: {otlp: }\n'),
        '': file('service: {pipelines: {traces: {receivers: [otlp]}}}\n'),
      }),
    ).toEqual([]);
  });
});

describe('limits', () => {
  test('size is counted in bytes over all files', () => {
    expect(sizeOf({ a: file('äöü'), b: file('abc') })).toBe(9);
    const half = 'ä'.repeat(LIMITS.configurationBytes / 4);
    expect(checkText({ a: file(half), b: file(`${half}x`) })).toMatchObject([
      {
        rule: 'too-large',
        message: `${LIMITS.configurationBytes + 1} bytes; at most ${LIMITS.configurationBytes} are allowed`,
      },
    ]);
  });

  test.each([
    ['depth', '['.repeat(100), 'deeper than 64 levels'],
    ['nodes', Array.from({ length: 40_000 }, (_, n) => `key${n}: v`).join('\n'), 'more than 50000 YAML nodes'],
  ])('%s, with the place where it was too much', (_, body, words) => {
    const [first] = check(body);
    expect(first).toMatchObject({ rule: 'too-complex' });
    expect(first?.message).toContain(words);
    expect((first?.line ?? 0) + (first?.column ?? 0)).toBeGreaterThan(2);
  });

  test('an alias bomb is too complex', () => {
    const bomb = [
      'a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]',
      ...[...'bcdef'].map((key, index) => `${key}: &${key} [${Array(9).fill(`*${'abcdef'[index]}`).join(', ')}]`),
      'service: {pipelines: {traces: {}}}',
    ].join('\n');
    expect(check(bomb)).toMatchObject([{ rule: 'too-complex' }]);
  });

  test('keys of the prototype are keys (R18)', () => {
    expect(check(`__proto__: {a: 1}\n__proto__: {b: 1}\n${GOOD}`)).toMatchObject([{ rule: 'duplicate-key', line: 2 }]);
    expect(check(`__proto__: {a: 1}\nconstructor: 1\n${GOOD}`)).toEqual([]);
  });
});
