/** Text that agents and other people wrote, made fit for a terminal; and what we say of numbers and times. */
import { stripVTControlCharacters } from 'node:util';
import { formatDuration } from '@flaghoist/fleet';

/** What moves the cursor, changes colours or the direction of writing. */
const UNSAFE = '(?![\\n\\t])[\\p{Cc}\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069]';
const EACH_UNSAFE = new RegExp(UNSAFE, 'gu');
const EACH_COLOUR_OR_UNSAFE = new RegExp(`\\p{Cc}\\[[\\d;]*m|${UNSAFE}`, 'gu');

/** Lines as they are, without anything that a terminal would obey (R19). */
export function plainLines(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replaceAll(EACH_UNSAFE, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The same in one line. */
export function oneLine(text: string): string {
  return plainLines(text).replaceAll(/\s*\n\s*|\t/g, ' ');
}

/** The same for text that we painted: colours stay. */
export function paintedLines(text: string): string {
  return text.replaceAll(EACH_COLOUR_OR_UNSAFE, (one) => (one.startsWith('\u001b[') ? one : plainLines(one)));
}

/** Characters that take a place; our own colours take none. */
export function widthOf(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}

/** Cuts at a width, with an ellipsis; what has to be cut loses its colours. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  return `${[...stripVTControlCharacters(text)].slice(0, Math.max(0, width - 1)).join('')}…`;
}

/** A length of time in its largest unit: `3m`, `2d`. */
function roughly(millis: number): string {
  return /^\d+[a-z]+/.exec(formatDuration(Math.max(1_000, millis)))?.[0] ?? '';
}

/** A length of time as far as it matters: `40s`, `4m12s`, `24m`, `1h50m`. */
export function lasting(millis: number): string {
  const unit = millis < 600_000 ? 1_000 : 60_000;
  return formatDuration(Math.max(1, Math.round(millis / unit)) * unit);
}

/** How far from now: `3m ago`, `in 2h`. */
export function ago(time: string, now: number): string {
  const millis = now - Date.parse(time);
  if (Math.abs(millis) < 1_000) return 'now';
  return millis < 0 ? `in ${roughly(-millis)}` : `${roughly(millis)} ago`;
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** `edge@7` */
export function revisionText(revision: { readonly configuration: string; readonly revision: number }): string {
  return `${revision.configuration}@${revision.revision}`;
}

interface ShownFile {
  readonly name: string;
  readonly encoding?: 'base64' | undefined;
  readonly body: string | null;
}

/** Texts as they are; several of them each under a comment with its name. */
export function filesText(files: readonly ShownFile[]): string {
  return files
    .map(({ name, encoding, body }) => {
      const coded = encoding === undefined ? '' : '# not UTF-8, in base64:\n';
      const text = body === null ? '# not kept: it is over the limit\n' : coded + body;
      const heading = files.length === 1 ? '' : `# --- ${JSON.stringify(name)}\n`;
      return `${heading}${text}${text.endsWith('\n') || text === '' ? '' : '\n'}`;
    })
    .join('');
}
