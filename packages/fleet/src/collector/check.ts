/** Refuses texts that cannot be a collector configuration, with line and column. Deeper checks build on this. */
import type { Document, Node, Scalar, YAMLMap } from 'yaml';
import { isAlias, isMap, isScalar, isSeq, LineCounter, visit } from 'yaml';
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

/** What the collector refuses of a text in quotes: a slash or half of a character escaped, though it be in a pair. */
function wrongWithQuoted({ type }: Scalar, quoted: string): string | undefined {
  const isDouble = type === 'QUOTE_DOUBLE';
  // Without quotes that stand for themselves.
  const rest = quoted.slice(1).replaceAll(isDouble ? /\\[\\"]/g : "''", '');
  if (!rest.endsWith(quoted[0] ?? '')) return 'this text in quotes has no end';
  if (isDouble && /\\(?:\/|u[dD][89a-fA-F])/.test(rest))
    return 'the escape "\\/" or "\\ud…"; write the character itself';
  return undefined;
}

/** What the parser lets pass: keys that stand twice, aliases and merges of what cannot be meant, escapes. */
function walk(document: Document, body: string, report: Report): void {
  const anchors = new Map<string, Node>();
  visit(document, {
    Node: (_, node) => {
      const [from, to] = node.range ?? [0, 0];
      const isQuoted = isScalar(node) && (node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE');
      const wrong = isQuoted ? wrongWithQuoted(node, body.slice(from, to)) : undefined;
      if (wrong !== undefined) report('yaml-syntax', from, wrong);
      if (isMap(node)) checkKeys(node, report);
      if (!isAlias(node)) {
        if (node.anchor !== undefined) anchors.set(node.anchor, node);
        return;
      }
      const end = anchors.get(node.source)?.range?.[1];
      if (end === undefined) report('yaml-syntax', from, `no anchor &${node.source} stands before this alias`);
      else if (end > from) report('yaml-syntax', from, `&${node.source} would contain itself`);
    },
    Pair: (_, { key, value }) => {
      if (isScalar(key) && key.type === 'PLAIN' && nameOf(key) === '<<' && !isMergeable(value, anchors))
        report('yaml-syntax', key.range?.[0], '<< takes a mapping, or a list of mappings');
    },
  });
}

function isMergeable(value: unknown, anchors: ReadonlyMap<string, Node>): boolean {
  const mapping = (node: unknown): boolean => isMap(isAlias(node) ? anchors.get(node.source) : node);
  return mapping(value) || (isSeq(value) && value.items.every(mapping));
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
