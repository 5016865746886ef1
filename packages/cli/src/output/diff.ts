import type { Style } from './style.ts';

type Files = Readonly<Record<string, { readonly body: string }>>;

interface Side {
  /** How this side is called in the headings, such as `edge@7`. */
  readonly label: string;
  readonly files: Files;
}

/** Unified, file by file in the order of their names; empty when the texts are the same. */
export async function filesDiff(from: Side, to: Side): Promise<string> {
  const { createTwoFilesPatch, FILE_HEADERS_ONLY } = await import('diff');
  const names = [...new Set([...Object.keys(from.files), ...Object.keys(to.files)])].sort();
  const heading = (side: Side, name: string): string =>
    side.files[name] === undefined ? '/dev/null' : name === '' ? side.label : `${side.label}/${name}`;
  return names
    .map((name) => {
      const before = from.files[name]?.body ?? '';
      const after = to.files[name]?.body ?? '';
      if (before === after && from.files[name] && to.files[name]) return '';
      return createTwoFilesPatch(
        heading(from, name),
        heading(to, name),
        before,
        after,
        undefined,
        undefined,
        {
          headerOptions: FILE_HEADERS_ONLY,
        },
      );
    })
    .join('');
}

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
