/**
 * What the collector's parser refuses although it is YAML 1.2. A Supervisor stores such a text all the same, and does not
 * start again with it (interop/yaml.test.ts asks the Supervisor's own parser).
 */
import { CST, Lexer } from 'yaml';

/** A lexeme where it stands. */
interface Piece {
  readonly lexeme: string;
  /** `text` for what a scalar says without its quotes. */
  readonly kind: ReturnType<typeof CST.tokenType> | 'text';
  /** The lexeme before it; an indent counts as one with what is before it, and may come in pieces. */
  readonly before: string;
  /** How many brackets are open. */
  readonly depth: number;
  /** It is the text of a block scalar. */
  readonly isBlock: boolean;
}

const TAG = /^!!(?:str|int|float|bool|null|map|seq)$/;

const isIndent = ({ kind, before }: Piece): boolean => kind === 'space' && /[\n\uFEFF]$|^[-?]$/.test(before);

/** What is refused, by what to do. */
const REFUSED: Readonly<Record<string, (piece: Piece) => boolean>> = {
  'a directive; leave it out': ({ kind }) => kind === 'directive-line',
  'this tag means nothing to the collector; leave it out': ({ kind, lexeme }) => kind === 'tag' && !TAG.test(lexeme),
  'a tag in brackets needs a space behind it': ({ kind, before, depth }) =>
    depth > 0 && TAG.test(before) && kind !== 'space',
  'a colon begins a word in brackets; quote it': ({ kind, lexeme, depth }) =>
    depth > 0 && kind === 'text' && lexeme.startsWith(':'),
  'a tab indents a line; use spaces': (piece) =>
    piece.lexeme.includes('\t') && (isIndent(piece) || (piece.kind === 'text' && isIndentedByTab(piece))),
};

/** A block is indented as its first line is, by spaces alone; another text has no tab before the words of a line. */
function isIndentedByTab({ lexeme, isBlock }: Piece): boolean {
  let indent = Number.POSITIVE_INFINITY;
  return lexeme.split('\n').some((line, number) => {
    if (!isBlock && number === 0) return false;
    const spaces = /^ */.exec(line)?.[0].length ?? 0;
    if (line[spaces] === '\t' && spaces < indent) return true;
    if (isBlock && line.trim() !== '') indent = Math.min(indent, spaces);
    return false;
  });
}

const NESTING: Readonly<Record<string, number>> = { '{': 1, '[': 1, '}': -1, ']': -1 };
/** Lexemes that stand for nothing in the text. */
const MARKS: ReadonlySet<string> = new Set([CST.DOCUMENT, CST.FLOW_END, CST.SCALAR]);

/** Calls `refuse` for each piece that is refused, with its offset and what to do. */
export function checkDialect(text: string, refuse: (offset: number, message: string) => void): void {
  let offset = 0;
  let depth = 0;
  let isBlock = false;
  let before = '\n';
  for (const lexeme of new Lexer().lex(text)) {
    // What follows the mark of a scalar is its text, whatever it looks like.
    const kind = before === CST.SCALAR ? 'text' : CST.tokenType(lexeme);
    const piece: Piece = { lexeme, kind, before, depth, isBlock };
    for (const [message, isRefused] of Object.entries(REFUSED)) if (isRefused(piece)) refuse(offset, message);
    if (kind !== 'text') depth += NESTING[lexeme] ?? 0;
    isBlock = kind === 'block-scalar-header' || (isBlock && kind !== 'text');
    if (!MARKS.has(lexeme)) offset += lexeme.length;
    if (!isIndent(piece) && lexeme !== CST.DOCUMENT) before = lexeme;
  }
}
