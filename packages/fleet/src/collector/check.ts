/** Refuses texts that cannot be a collector configuration, with line and column. Deeper checks build on this. */
import { type Document, isAlias, isMap, isScalar, LineCounter, type Scalar, visit, type YAMLMap } from 'yaml';
import type { ConfigFiles } from '../configurations/revision.ts';
import type { Problem } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { checkDialect } from './dialect.ts';
import { readDocument } from './document.ts';
import { understand } from './structure.ts';

/** Takes down what is wrong at one character of a text. */
type Report = (rule: string, offset: number | undefined, message: string) => void;

/** The key as the collector's parser compares it: by its text; a second `<<` is refused there as well. */
const nameOf = (key: Scalar): string => (typeof key.value === 'symbol' ? '<<' : String(key.value));

/** Our own walk with a set per mapping: the parser's check is quadratic (12 s for 40,000 keys). */
function checkKeys({ items }: YAMLMap, report: Report): void {
  const seen = new Set<string>();
  for (const { key } of items) {
    if (!isScalar(key)) continue;
    if (key.source === '' && key.type === 'PLAIN')
      report('yaml-syntax', key.range?.[0], 'a colon without a key before it; write one, or quote the text');
    const name = nameOf(key);
    if (seen.has(name))
      report(
        'duplicate-key',
        key.range?.[0],
        `key ${JSON.stringify(name)} stands twice in one mapping; keep one of them`,
      );
    seen.add(name);
  }
}

const hasBadEscape = (value: string, quoted: string): boolean =>
  !value.isWellFormed() || quoted.replaceAll('\\\\', '').includes('\\/');

/** What the parser lets pass: keys that stand twice, aliases whose anchor does not stand before them, escaped slashes. */
function walk(document: Document, body: string, report: Report): void {
  const anchors = new Set<string>();
  visit(document, {
    Node: (_, node) => {
      const [from, to] = node.range ?? [0, 0];
      if (isScalar(node) && node.type === 'QUOTE_DOUBLE' && hasBadEscape(String(node.value), body.slice(from, to)))
        report('yaml-syntax', from, 'an escape that the collector refuses: "\\/", or half of a character');
      if (isMap(node)) checkKeys(node, report);
      if (!isAlias(node)) anchors.add(node.anchor ?? '');
      else if (!anchors.has(node.source))
        report('yaml-syntax', node.range?.[0], `no anchor &${node.source} stands before this alias`);
    },
  });
}

/** Refused by the collector's parser wherever they stand, or a line break to it alone. */
const CONTROL = /[^\P{Cc}\t\n\r]|\r(?!\n)|[\u2028\u2029\ufffe\uffff\p{Cs}]/u;

function checkFile(file: string, body: string): Problem[] {
  const lines = new LineCounter();
  const document = readDocument(body, lines);
  const problems: Problem[] = [];
  const report: Report = (rule, offset = 0, message) => {
    const { line, col } = lines.linePos(offset);
    problems.push({ file, line, column: col, rule, message });
  };
  const control = CONTROL.exec(body);
  if (control !== null) {
    const code = control[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
    report('yaml-syntax', control.index, `control character U+${code}; write it as an escape in double quotes`);
  }
  const { contents, errors, warnings } = document;
  // A warning is a tag that does not fit its value.
  for (const { code, pos, message } of [...errors, ...warnings])
    report(code === 'RESOURCE_EXHAUSTION' ? 'too-complex' : 'yaml-syntax', pos[0], message);
  if (problems.length > 0) return problems;
  checkDialect(body, (offset, message) => report('yaml-syntax', offset, message));
  if (contents === null || isMap(contents)) walk(document, body, report);
  else report('not-a-mapping', 0, 'a collector configuration is a mapping with receivers, exporters, service …');
  return problems;
}

const utf8 = new TextEncoder();

/** Bytes over all files. */
export function sizeOf(files: ConfigFiles): number {
  return Object.values(files).reduce((sum, file) => sum + utf8.encode(file.body).length, 0);
}

/**
 * What is wrong with a configuration as such; empty when nothing is. Every problem of the list is an error: the
 * configuration would not start a collector, or would stop it (I8).
 */
export function checkText(files: ConfigFiles): readonly Problem[] {
  const whole = (rule: string, message: string): Problem[] => [{ file: '', line: 1, column: 1, rule, message }];
  const bodies = Object.fromEntries(Object.entries(files).map(([file, { body }]) => [file, body]));
  if (Object.keys(files).length === 0) return whole('empty', 'no files: an empty map would stop the collector');
  const bytes = sizeOf(files);
  if (bytes > LIMITS.configurationBytes)
    return whole('too-large', `${bytes} bytes; at most ${LIMITS.configurationBytes} are allowed`);
  const problems = Object.entries(bodies).flatMap(([file, body]) => checkFile(file, body));
  if (problems.length > 0) return problems.slice(0, LIMITS.problemsShown);
  const understood = understand(bodies);
  if ('unparsed' in understood) return whole('too-complex', understood.unparsed);
  if ((understood.structure['service.pipelines'] ?? []).length > 0) return [];
  return whole('no-pipelines', 'service.pipelines is missing or empty: the collector would run without doing anything');
}
