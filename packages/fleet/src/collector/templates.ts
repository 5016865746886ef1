/**
 * Effective configs of a fleet differ per agent in uid, ports and pids alone. A template is a text with holes where
 * they stand; other agents' texts are recognised by comparing what lies between the holes, which costs a hundredth of
 * reading them again, and each distinct template is stored, parsed and checked once (architecture.md, principle 8).
 */

/** Marks a hole in a stored template. Texts that contain it are kept whole. */
const HOLE = '\u0000';
/** What may stand in a hole: a token on one line, so that a hole can never hide a key, a list item or a comment. */
const FILLING = /^[\w.@-]{1,128}$/;
const LONGEST_FILLING = 128;
/** Shorter values (a `1`, an `a`) would be found everywhere. */
const SHORTEST_VALUE = 6;
const MOST_HOLES = 256;
const LONGEST_LINE = 1_024;
/** Templates tried on a text before it is learnt anew. */
const MOST_TEMPLATES = 128;

export interface Masked {
  /** The text with every hole marked. */
  readonly template: string;
  /** What stood in the holes, in order. */
  readonly holes: readonly string[];
}

/** Values looked for in a text; the rest are left standing. */
const MOST_VALUES = 64;

/**
 * What may stand on a line before a hole for a known value: a key and its colon, nothing that begins a flow collection,
 * an alias, a tag or a comment. So a value that an agent chose (its host name) can only ever mask a scalar, never a
 * component's id, and the structure of a template is that of every text it stands for.
 */
const VALUE_PLACE = /^[\t -]*[^\s"'#&*!|>%@`{}[\],:?-][^#&*!|>{}[\],]*: [^#&*!|>{}[\],]*$/;

/** Ports of loopback addresses, and process ids: what the Supervisor writes anew at each start (real-agents 4.4). */
const VOLATILE = /(?<=\b(?:127\.0\.0\.1|localhost):)\d{1,5}\b|(?<=\bppid: )\d+\b/g;

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Finds the holes of a text from the values known to differ between agents. */
export function learn(text: string, values: readonly string[]): Masked {
  if (text.includes(HOLE)) return { template: text, holes: [] };
  const known = [...new Set(values)].filter((value) => value.length >= SHORTEST_VALUE && FILLING.test(value));
  const alternatives = known
    .slice(0, MOST_VALUES)
    .sort((a, b) => b.length - a.length)
    .map(escaped);
  const pattern = new RegExp([VOLATILE.source, ...alternatives].join('|'), 'g');
  const holes: string[] = [];
  const template = text.replace(pattern, (found, offset: number) => {
    if (holes.length >= MOST_HOLES || !VALUE_PLACE.test(lineBefore(text, offset))) return found;
    holes.push(found);
    return HOLE;
  });
  return { template, holes };
}

/** What stands on its line before a place; nothing when the line is too long to look at. */
function lineBefore(text: string, offset: number): string {
  const from = Math.max(0, offset - LONGEST_LINE);
  const before = text.slice(from, offset);
  const newline = before.lastIndexOf('\n');
  return newline < 0 && from > 0 ? '' : before.slice(newline + 1);
}

/** The text again, to the letter. */
export function fill(template: string, holes: readonly string[]): string {
  if (holes.length === 0) return template;
  const parts = template.split(HOLE);
  let text = parts[0] ?? '';
  for (let index = 1; index < parts.length; index += 1)
    text += (holes[index - 1] ?? '') + (parts[index] ?? '');
  return text;
}

/** As `text.startsWith(part, at)`, but compared as memory: startsWith goes through long parts character by character. */
const standsAt = (text: string, part: string, at: number): boolean =>
  text.slice(at, at + part.length) === part;

/** The holes of a text that fits the parts of a template, or undefined. */
function fit(parts: readonly string[], text: string): string[] | undefined {
  const first = parts[0] ?? '';
  if (!standsAt(text, first, 0)) return undefined;
  const holes: string[] = [];
  let at = first.length;
  for (let index = 1; index < parts.length; index += 1) {
    const part = parts[index] ?? '';
    const last = index === parts.length - 1;
    const end = last ? text.length - part.length : text.indexOf(part, at + 1);
    if (end <= at || end - at > LONGEST_FILLING || (last && !standsAt(text, part, end))) return undefined;
    const filling = text.slice(at, end);
    if (!FILLING.test(filling)) return undefined;
    holes.push(filling);
    at = end + part.length;
  }
  return at === text.length ? holes : undefined;
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

  /** `digest` names a template; SHA-256 in hex. */
  constructor(digest: (text: string) => string) {
    this.#digest = digest;
  }

  /** Masks a text; `isNew` when its template was not known here and must be stored. */
  mask(
    text: string,
    values: readonly string[],
  ): Masked & { readonly digest: string; readonly isNew: boolean } {
    for (const [index, candidate] of this.#learnt.entries()) {
      const holes = fit(candidate.parts, text);
      if (holes === undefined) continue;
      if (index > 0) {
        this.#learnt.splice(index, 1);
        this.#learnt.unshift(candidate);
      }
      return { template: candidate.template, holes, digest: candidate.digest, isNew: false };
    }
    const masked = learn(text, values);
    const digest = this.#digest(masked.template);
    const parts = masked.holes.length === 0 ? [masked.template] : masked.template.split(HOLE);
    this.#learnt.unshift({ template: masked.template, parts, digest });
    this.#learnt.length = Math.min(this.#learnt.length, MOST_TEMPLATES);
    return { ...masked, digest, isNew: true };
  }
}
