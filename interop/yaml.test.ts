// A text that the Supervisor's parser refuses is stored by it all the same, and keeps it from starting again
// (restarts.test.ts): so nothing that it refuses may be saved here. Texts of odd pieces are put before both parsers.
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
 | "x" | 'it''s' | "\/" | "\\/" | "\\\/" | "\x41" | "\ud800" | "\U00110000" | "\q" | "\e\0\N\_\L" | "\x4" | "\ " | "\ | ' | " | a"b
 | ${'$'}{env:X} | $$x | x #y | x#y | a:b | a: b | :x | ::x | : | - x | -x | - | ? x | @x | %x | <<  | = | {} | [] | *a | &a x | &a [1] | &a &b x
 | [1, 2] | [a, ] | [a: 1, b] | [,] | [[ | ] | {a: 1} | {a, b} | {a: , b} | {? a : b} | {"a":1} | {a:1} | } | [!, x]
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
].concat([
  '%YAML 1.1\n---\n',
  '%YAML 1.3\n---\n',
  '%TAG !e! tag:x:\n---\n',
  '%X y\n---\n',
  '%YAML 1.1\n%YAML 1.1\n---\n',
]);
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

function textsOf(random: () => number): string[] {
  const pick = (pieces: readonly string[]): string => pieces[Math.floor(random() * pieces.length)] ?? '';
  const shapes = [
    () => `${pick(KEYS)}: ${pick(VALUES)}\n`,
    () => `x:\n  ${pick(KEYS)}: ${pick(VALUES)}\n`,
    () => `x:\n  - ${pick(VALUES)}\n  - ${pick(VALUES)}\n`,
    () => `x:\n  - ${pick(KEYS)}: ${pick(VALUES)}\n    y: ${pick(VALUES)}\n`,
    () => `x: {${pick(KEYS)}: ${pick(VALUES)}}\n`,
    () => `x: [${pick(VALUES)}, ${pick(VALUES)}]\n`,
  ];
  return Array.from({ length: TEXTS }, () => {
    const odd = shapes[Math.floor(random() * shapes.length)]?.() ?? '';
    const text = pick(HEADS) + (random() < 0.5 ? odd + GOOD : GOOD + odd) + pick(TAILS);
    return random() < 0.1 ? text.replaceAll('\n', '\r\n') : text;
  });
}

test(`of ${TEXTS} odd texts none is saved here that the Supervisor's parser refuses`, () => {
  const texts = textsOf(randomOf(Number(process.env['YAML_SEED'] ?? 1)));
  const wrong = parsed(texts);
  const saved = texts.map((body) => checkText({ '': { body, contentType: 'text/yaml' } }).length === 0);
  const tally = { saved: saved.filter(Boolean).length, refusedThere: wrong.filter((why) => why !== '').length };
  process.stderr.write(`${JSON.stringify(tally)}\n`);
  const worse = texts.flatMap((text, at) => (saved[at] && wrong[at] !== '' ? [{ text, wrong: wrong[at] }] : []));
  expect(worse).toEqual([]);
  // Both see enough of what is right and of what is wrong for this to mean something.
  expect(tally.saved).toBeGreaterThan(TEXTS / 20);
  expect(tally.refusedThere).toBeGreaterThan(TEXTS / 20);
});
