/**
 * Effective configs of a fleet differ per agent in uid, ports and pids alone. A template is a text with holes where
 * they stand; other agents' texts are recognised by comparing what lies between the holes, which costs a hundredth of
 * reading them again, and each distinct template is stored, parsed and checked once (architecture.md, principle 8).
 */

/** Marks a hole in a stored template. Texts that contain it are kept whole. */
const HOLE = '\u0000';
/**
 * What may stand in a hole: a whole token on one line, so that a hole can never hide a key, a list item or a comment,
 * and a text fits a template in one way alone, found without searching.
 */
const TOKEN = /[\w.@-]+/g;
const FILLING = /[\w.@-]{1,128}/y;
const LONGEST_FILLING = 128;
/** Shorter values (a `1`, an `a`) would be found everywhere. */
const SHORTEST_VALUE = 6;
const MOST_HOLES = 256;
/** Values looked for within tokens; beyond them a token must be the value. */
const MOST_VALUES = 64;
/** Lines and tokens of one text that are looked at, and tokens searched for values: the rest is left standing. */
const MOST_LOOKED_AT = 65_536;
const MOST_SEARCHED = 1_024;
/** Templates tried on a text before it is learnt anew, and characters over all of them. */
const MOST_TEMPLATES = 128;
const MOST_CHARACTERS = 16 * 1024 * 1024;

export interface Masked {
  /** The text with every hole marked. */
  readonly template: string;
  /** What stood in the holes, in order. */
  readonly holes: readonly string[];
}

/**
 * A line whose scalar may be masked: a key and its colon, nothing that begins a flow collection, an alias, a tag or a
 * comment. So a value that an agent chose (its host name) can only ever mask a scalar, never a component's id, and the
 * structure of a template is that of every text it stands for. Each line is judged once, in linear time: no part of the
 * pattern can begin where another one ends.
 */
const LINE =
  /(?<![^\n])[\t -]{0,256}[^\s"'#&*!|>%@`{}[\],:?-](?:[^#&*!|>{}[\],:\n]|:(?! )){0,256}: ([^#&*!|>{}[\],\n]{1,1024})/g;
const LONGEST_VALUE = 1_024;

/** Ports of loopback addresses, and process ids: what the Supervisor writes anew at each start (real-agents 4.4). */
const DIGITS = /^\d{1,10}$/;
const BEFORE_VOLATILE = /\b(?:(?:127\.0\.0\.1|localhost):|ppid: )$/;

/** The tokens that may be masked, each with its place, as long as the text is looked at. */
function* tokensOf(text: string): Generator<readonly [token: string, at: number]> {
  let lookedAt = 0;
  for (const { 0: line, 1: value = '', index: start } of text.matchAll(LINE)) {
    if (lookedAt > MOST_LOOKED_AT) return;
    lookedAt += 1;
    for (const { 0: token, index } of value.matchAll(TOKEN)) {
      lookedAt += 1;
      const isCut = index + token.length >= LONGEST_VALUE;
      if (!isCut) yield [token, start + line.length - value.length + index];
    }
  }
}

/** Finds the holes of a text from the values known to differ between agents. */
export function learn(text: string, values: readonly string[]): Masked {
  if (text.includes(HOLE)) return { template: text, holes: [] };
  const known = new Set(values.filter(({ length }) => length >= SHORTEST_VALUE && length <= LONGEST_FILLING));
  const sought = [...known].slice(0, MOST_VALUES);
  let searched = 0;
  const differs = (token: string, at: number): boolean => {
    if (token.length > LONGEST_FILLING) return false;
    if (DIGITS.test(token) && BEFORE_VOLATILE.test(text.slice(Math.max(0, at - 11), at))) return true;
    if (known.has(token)) return true;
    if (token.length <= SHORTEST_VALUE || searched >= MOST_SEARCHED) return false;
    searched += 1;
    return sought.some((value) => token.includes(value));
  };
  const holes: string[] = [];
  let template = '';
  let done = 0;
  for (const [token, at] of tokensOf(text)) {
    if (holes.length >= MOST_HOLES) break;
    if (!differs(token, at)) continue;
    holes.push(token);
    template += text.slice(done, at) + HOLE;
    done = at + token.length;
  }
  return { template: template + text.slice(done), holes };
}

/** The text again, to the letter. */
export function fill(template: string, holes: readonly string[]): string {
  if (holes.length === 0) return template;
  const parts = template.split(HOLE);
  return parts.map((part, index) => part + (holes[index] ?? '')).join('');
}

/** As `text.startsWith(part, at)`, but compared as memory: startsWith goes through long parts character by character. */
const standsAt = (text: string, part: string, at: number): boolean => text.slice(at, at + part.length) === part;

/** A part of a string keeps the whole of it in memory: here the whole text of every agent. */
const detached = (parts: readonly string[]): string[] => JSON.parse(JSON.stringify(parts));

/** The holes of a text that fits the parts of a template, or undefined. */
function fit(parts: readonly string[], text: string): string[] | undefined {
  const holes: string[] = [];
  let at = 0;
  for (const [index, part] of parts.entries()) {
    if (index > 0) {
      FILLING.lastIndex = at;
      const filling = FILLING.exec(text)?.[0];
      if (filling === undefined) return undefined;
      holes.push(filling);
      at += filling.length;
    }
    if (!standsAt(text, part, at)) return undefined;
    at += part.length;
  }
  return at === text.length ? detached(holes) : undefined;
}

interface Learnt {
  readonly template: string;
  readonly parts: readonly string[];
  readonly digest: string;
}

/** The templates seen of late, newest use first. Holds no state that matters: forgetting one only costs time. */
export class TemplateBook {
  readonly #learnt: Learnt[] = [];
  readonly #digest: (text: string) => string;
  #characters = 0;

  /** `digest` names a template; SHA-256 in hex. */
  constructor(digest: (text: string) => string) {
    this.#digest = digest;
  }

  /** A template seen of late. */
  get(digest: string): string | undefined {
    return this.#learnt.find((learnt) => learnt.digest === digest)?.template;
  }

  /** Masks a text by a template seen of late that it fits, else by one learnt from it and the values that differ. */
  mask(text: string, valuesOf: () => readonly string[]): Masked & { readonly digest: string } {
    for (const [index, learnt] of this.#learnt.entries()) {
      const holes = fit(learnt.parts, text);
      if (holes === undefined) continue;
      this.#learnt.splice(index, 1);
      this.#learnt.unshift(learnt);
      return { ...learnt, holes };
    }
    const { template, holes } = learn(text, valuesOf());
    const digest = this.#digest(template);
    const parts = holes.length === 0 ? [template] : template.split(HOLE);
    this.#learnt.unshift({ template, parts, digest });
    this.#characters += template.length;
    while (this.#learnt.length > MOST_TEMPLATES || this.#characters > MOST_CHARACTERS)
      this.#characters -= this.#learnt.pop()?.template.length ?? 0;
    return { template, holes, digest };
  }
}
