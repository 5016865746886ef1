/** YAML read within limits of depth and nodes, whoever wrote it (R16). */
import { Composer, Document, Lexer, type LineCounter, Parser, YAMLParseError } from 'yaml';
import { LIMITS } from '../limits.ts';

/** First characters of the lexemes that begin a node: a plain scalar's mark, quotes, alias, flow collections. */
const NODE = new Set(['\u001f', '"', "'", '*', '[', '{']);

/**
 * Reads one document; what is wrong with it stands in its `errors`, a single `RESOURCE_EXHAUSTION` when it was not read to
 * its end. The depth is watched while the lexer goes through the text, before anything recursive sees it: the composer is
 * recursive, and the text may be an agent's. `lines`, when given, learns where lines begin.
 */
export function readDocument(text: string, lines?: LineCounter): Document {
  const parser = new Parser(lines?.addNewLine);
  lines?.addNewLine(0);
  const tokens = [];
  let nodes = 0;
  let lexemes = 0;
  for (const lexeme of new Lexer().lex(text)) {
    tokens.push(...parser.next(lexeme));
    if (NODE.has(lexeme[0] ?? '')) nodes += 1;
    lexemes += 1;
    const { offset } = parser;
    if (lexemes > LIMITS.yamlLexemes) return unread(offset, `more than ${LIMITS.yamlLexemes} pieces of text`);
    if (nodes > LIMITS.yamlNodes) return unread(offset, `more than ${LIMITS.yamlNodes} YAML nodes`);
    if (parser.stack.length > LIMITS.yamlDepth) return unread(offset, `nested deeper than ${LIMITS.yamlDepth} levels`);
  }
  tokens.push(...parser.end());
  const options = { prettyErrors: false, uniqueKeys: false, merge: true, stringKeys: true } as const;
  const documents = [...new Composer(options).compose(tokens, true, text.length)];
  const [document, second] = documents as [Document.Parsed, Document.Parsed?];
  if (second !== undefined) {
    const [from, to] = second.range;
    document.errors.push(
      new YAMLParseError([from, to], 'MULTIPLE_DOCS', 'more than one YAML document; keep one of them'),
    );
  }
  return document;
}

function unread(offset: number, why: string): Document {
  const document = new Document();
  document.errors.push(new YAMLParseError([offset, offset], 'RESOURCE_EXHAUSTION', why));
  return document;
}
