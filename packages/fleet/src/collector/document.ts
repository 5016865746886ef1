/** YAML read within limits of depth and nodes, whoever wrote it (R16). */
import { Composer, type Document, Lexer, type LineCounter, Parser, YAMLParseError } from 'yaml';
import { LIMITS } from '../limits.ts';

/** A document (it may have errors), or why it was not read to its end. */
export type Read = { readonly document: Document.Parsed } | { readonly tooMuch: string; readonly offset: number };

/** First characters of the lexemes that begin a node: a plain scalar's mark, quotes, alias, flow collections. */
const NODE = new Set(['\u001f', '"', "'", '*', '[', '{']);

/**
 * Reads one document. The depth is watched while the lexer goes through the text, before anything recursive sees it:
 * the composer is recursive, and the text may be an agent's. `lines`, when given, learns where lines begin.
 */
export function readDocument(text: string, lines?: LineCounter): Read {
  const parser = new Parser(lines?.addNewLine);
  lines?.addNewLine(0);
  const tokens = [];
  let nodes = 0;
  let lexemes = 0;
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) tokens.push(token);
    if (NODE.has(lexeme[0] ?? '')) nodes += 1;
    lexemes += 1;
    const { offset } = parser;
    if (lexemes > LIMITS.yamlLexemes) return { tooMuch: `more than ${LIMITS.yamlLexemes} pieces of text`, offset };
    if (nodes > LIMITS.yamlNodes) return { tooMuch: `more than ${LIMITS.yamlNodes} YAML nodes`, offset };
    if (parser.stack.length > LIMITS.yamlDepth)
      return { tooMuch: `nested deeper than ${LIMITS.yamlDepth} levels`, offset };
  }
  for (const token of parser.end()) tokens.push(token);
  const options = { prettyErrors: false, uniqueKeys: false, merge: true, stringKeys: true } as const;
  const documents = [...new Composer(options).compose(tokens, true, text.length)];
  const [document, second] = documents as [Document.Parsed, Document.Parsed?];
  if (second !== undefined) {
    const pos: [number, number] = [second.range[0], second.range[1]];
    document.errors.push(new YAMLParseError(pos, 'MULTIPLE_DOCS', 'more than one YAML document; keep one of them'));
  }
  return { document };
}
