/** Refuses texts that cannot be a collector configuration, with line and column. Deeper checks build on this. */
import { type Document, isAlias, isMap, isScalar, LineCounter, type Scalar, visit, type YAMLMap } from 'yaml';
import type { ConfigFiles } from '../configurations/revision.ts';
import type { Problem } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { readDocument } from './document.ts';
import { understand } from './structure.ts';

/** What is wrong at one character of a text. */
interface Finding {
  readonly offset: number;
  readonly rule: string;
  readonly message: string;
}

/** The key as the collector's parser compares it: by its text; a second `<<` is refused there as well. */
const nameOf = (key: Scalar): string => (typeof key.value === 'symbol' ? '<<' : String(key.value));

/** Our own walk with a set per mapping: the parser's check is quadratic (12 s for 40,000 keys). */
function* duplicateKeys({ items }: YAMLMap): Generator<Finding> {
  const seen = new Set<string>();
  for (const { key } of items) {
    if (!isScalar(key)) continue;
    const name = nameOf(key);
    if (seen.has(name)) {
      const message = `key ${JSON.stringify(name)} stands twice in one mapping; keep one of them`;
      yield { offset: key.range?.[0] ?? 0, rule: 'duplicate-key', message };
    }
    seen.add(name);
  }
}

/** What the parser lets pass: keys that stand twice, aliases whose anchor does not stand before them. */
function walk(document: Document.Parsed): Finding[] {
  const found: Finding[] = [];
  const anchors = new Set<string>();
  visit(document, {
    Node: (_, node) => {
      if (isAlias(node) && !anchors.has(node.source)) {
        const message = `no anchor &${node.source} stands before this alias`;
        found.push({ offset: node.range?.[0] ?? 0, rule: 'yaml-syntax', message });
      }
      if (!isAlias(node) && node.anchor !== undefined) anchors.add(node.anchor);
      if (isMap(node)) found.push(...duplicateKeys(node));
    },
  });
  return found;
}

function findingsIn(body: string, lines: LineCounter): Finding[] {
  try {
    const read = readDocument(body, lines);
    if ('tooMuch' in read) return [{ offset: read.offset, rule: 'too-complex', message: read.tooMuch }];
    const { errors, contents } = read.document;
    if (errors.length > 0) return errors.map(({ pos, message }) => ({ offset: pos[0], rule: 'yaml-syntax', message }));
    if (contents === null || isMap(contents)) return walk(read.document);
    const message = 'a collector configuration is a mapping with receivers, exporters, service …';
    return [{ offset: 0, rule: 'not-a-mapping', message }];
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return [{ offset: 0, rule: 'yaml-syntax', message: `cannot be read: ${why}` }];
  }
}

function checkFile(file: string, body: string): Problem[] {
  const lines = new LineCounter();
  const findings = findingsIn(body, lines).slice(0, LIMITS.problemsShown);
  return findings.map(({ offset, rule, message }) => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1), rule, message };
  });
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
  const count = Object.keys(files).length;
  if (count === 0)
    return whole('empty', 'no files: an empty map would stop the collector; use stop-collector when you mean that');
  if (count > LIMITS.configurationFiles)
    return whole('too-many-files', `${count} files; at most ${LIMITS.configurationFiles} are allowed`);
  const bytes = sizeOf(files);
  if (bytes > LIMITS.configurationBytes)
    return whole('too-large', `${bytes} bytes; at most ${LIMITS.configurationBytes} are allowed`);
  const problems = Object.entries(bodies).flatMap(([file, body]) => checkFile(file, body));
  if (problems.length > 0) return problems.slice(0, LIMITS.problemsShown);
  const understood = understand(bodies);
  if ('unparsed' in understood) return whole('too-complex', understood.unparsed);
  if (Object.keys(understood.structure.pipelines).length > 0) return [];
  return whole('no-pipelines', 'service.pipelines is missing or empty: the collector would run without doing anything');
}
