import pc from 'picocolors';
import type { Output } from '../io.ts';

type Paint = (text: string) => string;

/** Colours by what they mean. Never the only carrier of a meaning: words and symbols stand beside them. */
export interface Style {
  readonly good: Paint;
  readonly bad: Paint;
  readonly warn: Paint;
  readonly busy: Paint;
  readonly dim: Paint;
  readonly bold: Paint;
}

function styleOf(enabled: boolean): Style {
  const { green, red, yellow, cyan, dim, bold } = pc.createColors(enabled);
  return { good: green, bad: red, warn: yellow, busy: cyan, dim, bold };
}

export const PLAIN: Style = styleOf(false);

/** Colours at a terminal, unless `NO_COLOR` is set or the terminal is a dumb one. */
export function styleFor(output: Output, env: Readonly<Record<string, string | undefined>>): Style {
  return styleOf(Boolean(output.isTTY) && !env['NO_COLOR'] && env['TERM'] !== 'dumb');
}
