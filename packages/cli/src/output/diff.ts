import type { Style } from './style.ts';

export function paintDiff(text: string, style: Style): string {
  const paint = (line: string): string => {
    if (/^(---|\+\+\+) /.test(line)) return style.bold(line);
    if (line.startsWith('@@')) return style.busy(line);
    if (line.startsWith('+')) return style.good(line);
    if (line.startsWith('-')) return style.bad(line);
    return line;
  };
  return text.split('\n').map(paint).join('\n');
}
