/** Text that agents and other people wrote, made fit for a terminal. */
import { stripVTControlCharacters } from 'node:util';

const DIRECTION = '\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069';
const CONTROL = new RegExp(`[\\p{Cc}${DIRECTION}]`, 'gu');
const CONTROL_IN_LINES = new RegExp(`(?![\\n\\t])[\\p{Cc}${DIRECTION}]`, 'gu');
const COLOUR_OR_CONTROL = new RegExp(`\\p{Cc}\\[[\\d;]*m|(?![\\n\\t])[\\p{Cc}${DIRECTION}]`, 'gu');

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** One line without anything that moves the cursor, changes colours or the direction of writing (R19). */
export function oneLine(text: string): string {
  return text
    .replaceAll(/\s*\r?\n\s*/g, ' ')
    .replaceAll('\t', ' ')
    .replaceAll(CONTROL, escaped);
}

/** Lines as they are, without anything that a terminal would obey. */
export function plainLines(text: string): string {
  return text.replaceAll('\r\n', '\n').replaceAll(CONTROL_IN_LINES, escaped);
}

/** The same for text that we painted: colours stay. */
export function paintedLines(text: string): string {
  return text.replaceAll(COLOUR_OR_CONTROL, (found) =>
    found.startsWith('\u001b[') ? found : found.replaceAll(CONTROL, escaped),
  );
}

/** Characters that take a place; our own colours take none. */
export function widthOf(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}

/** Cuts at a width, with an ellipsis. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  return `${[...text].slice(0, Math.max(0, width - 1)).join('')}…`;
}

/** How long ago: `3m ago`. In tables only; JSON and YAML keep the time. */
export function ago(time: string | null, now: number): string {
  if (time === null) return 'never';
  const millis = now - Date.parse(time);
  return millis < 1_000 ? 'now' : `${roughly(millis)} ago`;
}

/** A length of time in its largest unit: `3m`, `2d`. */
export function roughly(millis: number): string {
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
  ] as const;
  const unit = units.find(([, size]) => millis >= size);
  return unit === undefined ? `${Math.floor(millis / 1_000)}s` : `${Math.floor(millis / unit[1])}${unit[0]}`;
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** `edge@7` */
export function revisionText(revision: { readonly configuration: string; readonly revision: number } | null): string {
  return revision === null ? '-' : `${revision.configuration}@${revision.revision}`;
}

/** Texts as they are; several of them each under a comment with its name. */
export function filesText(files: readonly { readonly name: string; readonly body: string | null }[]): string {
  return files
    .map(({ name, body }) => {
      const text = body ?? '# not kept: it is over the limit\n';
      const heading = files.length === 1 ? '' : `# --- ${JSON.stringify(name)}\n`;
      return `${heading}${text}${text.endsWith('\n') || text === '' ? '' : '\n'}`;
    })
    .join('');
}
