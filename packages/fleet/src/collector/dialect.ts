/**
 * What the collector's parser refuses although it is YAML 1.2. A Supervisor stores such a text all the same, and does not
 * start again with it (interop/yaml.test.ts asks the Supervisor's own parser).
 */
import { CST, Lexer } from 'yaml';

/** A lexeme where it stands. */
interface Piece {
  readonly lexeme: string;
  /** `text` for a plain word, and for what a block says. */
  readonly kind: ReturnType<typeof CST.tokenType> | 'text';
  /** The lexeme before it; an indent counts as one with what is before it, and may come in pieces. */
  readonly before: string;
  /** How many brackets are open. */
  readonly depth: number;
  /** It is the text of a block scalar. */
  readonly isBlock: boolean;
  /** The scalar before it, null when something else came since; and whether a line has ended since that one began. */
  readonly scalar: 'plain' | 'quoted' | null;
  readonly isLineOver: boolean;
  /** The whole document stands in brackets, as JSON does. */
  readonly isJson: boolean;
}

const TAG = /^!!(?:str|int|float|bool|null|map|seq)$/;

const isIndent = ({ kind, before }: Piece): boolean => kind === 'space' && /[\n\uFEFF]$|^[-?]$/.test(before);

/** In brackets tabs are as good as spaces, unless a plain word could go on behind them. */
const isIndentedByTab = (piece: Piece): boolean =>
  piece.lexeme.includes('\t') &&
  (piece.kind === 'text'
    ? hasLineIndentedByTab(piece)
    : isIndent(piece) && (piece.depth === 0 || (piece.scalar === 'plain' && !piece.isJson)));

/** What is refused, by what to do. */
const REFUSED = Object.entries<(piece: Piece) => boolean>({
  'a directive; leave it out': ({ kind }) => kind === 'directive-line',
  'this tag means nothing to the collector; leave it out': ({ kind, lexeme }) => kind === 'tag' && !TAG.test(lexeme),
  'a tag in brackets needs a space behind it': ({ kind, before, depth }) =>
    depth > 0 && TAG.test(before) && kind !== 'space',
  'a word in brackets that begins with a colon or has a question mark; quote it': ({ kind, lexeme, depth }) =>
    depth > 0 && kind === 'text' && /^:|\?/.test(lexeme),
  'a colon needs a space behind it': ({ lexeme, before, depth, scalar }) =>
    depth > 0 && before === ':' && scalar === 'plain' && (lexeme === '[' || lexeme === '{'),
  'a key behind a question mark; leave the mark out': ({ kind }) => kind === 'explicit-key-ind',
  'a key and its colon must stand on one line': ({ kind, scalar, isLineOver }) =>
    kind === 'map-value-ind' && scalar !== null && isLineOver,
  'only letters, digits, - and _ may name an anchor': ({ kind, lexeme }) =>
    (kind === 'anchor' || kind === 'alias') && !/^.[\w-]+$/.test(lexeme),
  'a tab indents a line; use spaces': isIndentedByTab,
});

/** A block is indented as its first line is, by spaces alone; another text has no tab before the words of a line. */
function hasLineIndentedByTab({ lexeme, isBlock }: Piece): boolean {
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
/** They come between a scalar and its colon. */
const BETWEEN: ReadonlySet<Piece['kind']> = new Set([
  'space',
  'newline',
  'comment',
  'doc-mode',
  'scalar',
  'map-value-ind',
]);

/** What the next lexeme stands behind. */
function after(piece: Piece): Omit<Piece, 'lexeme' | 'kind'> {
  const { lexeme, kind, before, depth, isBlock, scalar, isLineOver, isJson } = piece;
  const isText = kind === 'text';
  const isQuoted = kind === 'double-quoted-scalar' || kind === 'single-quoted-scalar';
  const isScalar = isText || isQuoted;
  const isContent = isScalar || kind === 'tag' || kind === 'anchor';
  return {
    before: isIndent(piece) || lexeme === CST.DOCUMENT ? before : lexeme,
    depth: depth + (isText ? 0 : (NESTING[lexeme] ?? 0)),
    isBlock: kind === 'block-scalar-header' || (isBlock && !isText),
    scalar: isScalar ? (isText ? 'plain' : 'quoted') : BETWEEN.has(kind) ? scalar : null,
    isLineOver: isScalar ? lexeme.includes('\n') : isLineOver || kind === 'newline',
    isJson: isJson && (depth > 0 || !isContent),
  };
}

/** Calls `refuse` for each piece that is refused, with its offset and what to do. */
export function checkDialect(text: string, refuse: (offset: number, message: string) => void): void {
  let offset = 0;
  let place: ReturnType<typeof after> = {
    before: '\n',
    depth: 0,
    isBlock: false,
    scalar: null,
    isLineOver: false,
    isJson: true,
  };
  for (const lexeme of new Lexer().lex(text)) {
    // What follows the mark of a scalar is its text, whatever it looks like.
    const piece: Piece = { ...place, lexeme, kind: place.before === CST.SCALAR ? 'text' : CST.tokenType(lexeme) };
    for (const [message, isRefused] of REFUSED) if (isRefused(piece)) refuse(offset, message);
    place = after(piece);
    if (!MARKS.has(lexeme)) offset += lexeme.length;
  }
}
