/** Refuses texts that cannot be a collector configuration, with line and column. Deeper checks build on this. */
import { type Document, isAlias, isMap, isScalar, LineCounter, type Scalar, visit, type YAMLMap } from 'yaml';
import type { ConfigFiles } from '../configurations/revision.ts';
import type { Problem } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { readDocument } from './document.ts';
import { understand } from './structure.ts';

interface Place {
  readonly file: string;
  readonly lines: LineCounter;
}

function problem({ file, lines }: Place, offset: number, rule: string, message: string): Problem {
  const { line, col } = lines.linePos(offset);
  return { file, line: Math.max(line, 1), column: Math.max(col, 1), rule, message };
}

/** The key as the collector's parser compares it: by its text; a second `<<` is refused there as well. */
const nameOf = (key: Scalar): string => (typeof key.value === 'symbol' ? '<<' : String(key.value));

/** Our own walk with a set per mapping: the parser's check is quadratic (12 s for 40,000 keys). */
function duplicateKeys(place: Place, { items }: YAMLMap): Problem[] {
  const seen = new Set<string>();
  return items.flatMap(({ key }): Problem[] => {
    if (!isScalar(key)) return [];
    const name = nameOf(key);
    const isNew = !seen.has(name);
    seen.add(name);
    const message = `key ${JSON.stringify(name)} stands twice in one mapping; keep one of them`;
    return isNew ? [] : [problem(place, key.range?.[0] ?? 0, 'duplicate-key', message)];
  });
}

/** What the parser lets pass: keys that stand twice, aliases whose anchor does not stand before them. */
function walk(place: Place, document: Document.Parsed): Problem[] {
  const found: Problem[] = [];
  const anchors = new Set<string>();
  visit(document, {
    Node: (_, node) => {
      if (isAlias(node)) {
        if (anchors.has(node.source)) return;
        const message = `no anchor &${node.source} stands before this alias`;
        found.push(problem(place, node.range?.[0] ?? 0, 'yaml-syntax', message));
        return;
      }
      if (node.anchor !== undefined) anchors.add(node.anchor);
      if (isMap(node)) found.push(...duplicateKeys(place, node));
    },
  });
  return found;
}

function checkFile(file: string, body: string): Problem[] {
  const lines = new LineCounter();
  const place = { file, lines };
  try {
    const read = readDocument(body, lines);
    if ('tooMuch' in read) return [problem(place, read.offset, 'too-complex', read.tooMuch)];
    const { document } = read;
    if (document.errors.length > 0) {
      return document.errors
        .slice(0, LIMITS.problemsShown)
        .map((error) => problem(place, error.pos[0], 'yaml-syntax', error.message));
    }
    if (document.contents !== null && !isMap(document.contents)) {
      return [
        problem(
          place,
          0,
          'not-a-mapping',
          'a collector configuration is a mapping with receivers, exporters, service …',
        ),
      ];
    }
    return walk(place, document);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return [{ file, line: 1, column: 1, rule: 'yaml-syntax', message: `cannot be read: ${why}` }];
  }
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
  const count = Object.keys(files).length;
  if (count === 0)
    return whole('empty', 'no files: an empty map would stop the collector; use stop-collector when you mean that');
  if (count > LIMITS.configurationFiles)
    return whole('too-many-files', `${count} files; at most ${LIMITS.configurationFiles} are allowed`);
  const bytes = sizeOf(files);
  if (bytes > LIMITS.configurationBytes) {
    return whole('too-large', `${bytes} bytes; at most ${LIMITS.configurationBytes} are allowed`);
  }
  const problems = Object.entries(files).flatMap(([file, { body }]) => checkFile(file, body));
  if (problems.length > 0) return problems.slice(0, LIMITS.problemsShown);
  const understood = understand(Object.fromEntries(Object.entries(files).map(([file, { body }]) => [file, body])));
  if ('unparsed' in understood) return whole('too-complex', understood.unparsed);
  if (Object.keys(understood.structure.pipelines).length === 0) {
    return whole(
      'no-pipelines',
      'service.pipelines is missing or empty: the collector would run without doing anything',
    );
  }
  return [];
}
