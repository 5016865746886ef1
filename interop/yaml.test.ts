// A text that the Supervisor's parser refuses is stored by it all the same, and keeps it from starting again
// (lawless.test.ts): so nothing that it refuses may be saved here. Texts of odd pieces are put before both parsers.
import { checkText } from '@flaghoist/fleet';
import { expect, test } from 'vitest';
import { randomOf } from '../packages/server/test/random.ts';
import { parsed } from './harness/clients.ts';

const TEXTS = 20_000;
const GOOD = `receivers: {otlp: }
exporters: {debug: }
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [debug]}
`;

const SCALARS =
  String.raw`1 | 1.5 | .inf | .nan | 0x1F | 0o17 | 017 | 1_000 | 1e3 | true | yes | null | ~ | abc | 12:30:45 | 2001-12-14 | 2001-13-45
 | "x" | 'it''s' | "\/" | "\\/" | "\\\/" | "\x41" | "\ud800" | "\ud83d\ude00" | a?b | ?a | ^a?b$ | http://h/p?q=1 | "\U00110000" | "\q" | "\e\0\N\_\L" | "\x4" | "\ " | "\ | ' | " | a"b
 | ${'$'}{env:X} | $$x | x #y | x#y | a:b | a: b | :x | ::x | : | - x | -x | - | ? x | @x | %x | <<  | = | {} | [] | *a | &a x | &a [1] | &a &b x | &b? x | &b
 | [1, 2] | [a, ] | [a: 1, b] | [,] | [[ | ] | {a: 1} | {a, b} | {a: , b} | {? a : b} | {"a":1} | {a:1} | {a:[b]} | {a::[b]} | {a:{b: c}} | [a:[b]] | {"a":[b]} | {k?: 1} | {k:"v"} | } | [!, x]
 | ! | ! x | !local x | !<tag:x> y | !!x y | !!str 1 | !!str | !!int 1 | !!int abc | !!int "1" | !!float 1 | !!float abc | !!bool yes | !!bool x
 | !!null x | !!null "" | !!binary aGk= | !!binary x | !!timestamp x | !!seq [1] | !!seq {a: 1} | !!map {a: 1} | !!map [1] | !!set {a, b}
 | !!omap [a: 1] | !!merge << | !!str !!str x | --- | ... | %YAML 1.1`.split(/\s\|\s/);
const BLOCKS = [
  '|\n   x\n   y',
  '>-\n   x\n',
  '|2\n    x',
  '|+\n   x\n\n',
  '|9\n   x',
  '|a\n x',
  '|\n   \tx',
  '|\n   x\n   \ty',
  '|\n   x\n  \t\n   y',
  '|\n\t\n   x',
  'a\n   \tb',
  'a\n\tb',
  '{a\n  : b}',
  '{a\n  b: 1}',
  '{"a\n  b": 1}',
  '{\n\t"a": 1,\n\t"b": [x,\n\t\ty]\n  }',
  '{a: .\n\n\t}',
  '"a\n   b"',
  '"a\\\n   b"',
  'a\n   b',
];
const STRANGE = [
  '\tx',
  'x\ty',
  '\u00a0x',
  'x\u0085',
  '\u2028',
  '\ufeff',
  '"\ufeff"',
  '\u0007',
  '\u{1f600}',
  '? [a]\n  : b',
  '',
];
const VALUES = [...SCALARS, ...BLOCKS, ...STRANGE];
const KEYS =
  String.raw`k | k | 1 | 1.5 | true | null | ~ | 2001-12-14 | "q" | 's' | "a\/b" | "" | << | ? k | ? | - | : | - k | a b | a"b | [a] | {a: b} | &a k
 | *a | !x k | !!int 1 | !!str 1 | !!binary x | 0x10 | 010 | yes | =`.split(/\s\|\s/);
const HEADS = [
  '',
  '',
  '',
  '',
  '---\n',
  '--- # c\n',
  '\ufeff',
  '# c\n---\n',
  '...\n',
  '--- !!map\n',
  '&d\n',
  '!!map\n',
  '---\n---\n',
  '%YAML 1.1\n---\n',
  '%YAML 1.3\n---\n',
  '%TAG !e! tag:x:\n---\n',
  '%X y\n---\n',
  '%YAML 1.1\n%YAML 1.1\n---\n',
];
const TAILS = [
  '',
  '',
  '',
  '',
  '...\n',
  '---\n',
  '# end',
  '...\n%YAML 1.2\n',
  ' ',
  '\t',
  '\n\t\n',
  '\n \t# x\n',
  '\r\n',
  '...\nx\n',
  '\0',
  '... # c\n',
];

/** As people write them, for changes of a few characters. */
const USUAL = `receivers:
  otlp: {protocols: {grpc: {endpoint: "0.0.0.0:4317"}, http: }}
processors:
  transform:
    statements:
      - |
        set(a["x"], 'b')
        where x == "\\t"
      - >-
        folded
        more
      - 'single \\d+ ''q'''
      - "double \\\\d \\u00e9 \\
        more"
  batch: &batch
    timeout: 5s # soon
    list: [a, "b", {c: d}, /var/log/app.log]
    from: \${env:X:-1}
  batch/2:
    <<: *batch
exporters: {debug: , "otlp": {"endpoint": "b:1", "n": [1, 2,]}}
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [debug]}
`;
const SLIPS = [
  '\t',
  '  ',
  '\n',
  '\r\n',
  '"',
  "'",
  '\\',
  ':',
  ': ',
  '-',
  '- ',
  '? ',
  '?',
  '#',
  ' #',
  '!',
  '!!str ',
  '&a ',
  '*b',
  '*batch ',
  '%',
  '@',
  '|',
  '>',
  '|2',
  '{',
  '}',
  '[',
  ']',
  ',',
  '~',
  '<<: ',
  '---\n',
  '...\n',
  '\ufeff',
  '\u0085',
  '\\ud83d\\ude00',
  '\\x',
  '=',
  '\0',
  '',
];

function textsOf(random: () => number): string[] {
  const below = (end: number): number => Math.floor(random() * end);
  const pick = (pieces: readonly string[]): string => pieces[below(pieces.length)] ?? '';
  const shapes = [
    () => `${pick(KEYS)}: ${pick(VALUES)}\n`,
    () => `x:\n  ${pick(KEYS)}: ${pick(VALUES)}\n`,
    () => `x:\n  - ${pick(VALUES)}\n  - ${pick(VALUES)}\n`,
    () => `x:\n  - ${pick(KEYS)}: ${pick(VALUES)}\n    y: ${pick(VALUES)}\n`,
    () => `x: {${pick(KEYS)}: ${pick(VALUES)}}\n`,
    () => `x: [${pick(VALUES)}, ${pick(VALUES)}]\n`,
  ];
  const composed = (): string => {
    const odd = shapes[below(shapes.length)]?.() ?? '';
    const text = pick(HEADS) + (random() < 0.5 ? odd + GOOD : GOOD + odd) + pick(TAILS);
    return random() < 0.1 ? text.replaceAll('\n', '\r\n') : text;
  };
  const slipped = (): string => {
    let text = USUAL;
    for (let slips = 1 + below(3); slips > 0; slips -= 1) {
      const at = below(text.length);
      text = text.slice(0, at) + pick(SLIPS) + text.slice(at + below(3));
    }
    return text;
  };
  return Array.from({ length: TEXTS }, (_, number) => (number % 2 === 0 ? composed() : slipped()));
}

const problemsOf = (body: string) => checkText({ '': { body, contentType: 'text/yaml' } });

test('a usual text is saved', () => {
  expect(problemsOf(USUAL)).toEqual([]);
  expect(parsed([USUAL])).toEqual(['']);
});

test(`of ${TEXTS} odd texts none is saved here that the Supervisor's parser refuses`, () => {
  const texts = textsOf(randomOf(Number(process.env['YAML_SEED'] ?? 1)));
  const wrong = parsed(texts);
  const saved = texts.map((text) => problemsOf(text).length === 0);
  const tally = { saved: saved.filter(Boolean).length, refusedThere: wrong.filter((why) => why !== '').length };
  process.stderr.write(`${JSON.stringify(tally)}\n`);
  const worse = texts.flatMap((text, at) => (saved[at] && wrong[at] !== '' ? [{ text, wrong: wrong[at] }] : []));
  expect(worse).toEqual([]);
  // Both see enough of what is right and of what is wrong for this to mean something.
  expect(tally.saved).toBeGreaterThan(TEXTS / 20);
  expect(tally.refusedThere).toBeGreaterThan(TEXTS / 20);
});
