import { expect, test } from 'vitest';
import { filesText } from './text.ts';

test('files: as they are when it is one, else each under its name; what is no text in base64; what was not kept', () => {
  expect(filesText([{ name: '', body: 'a: 1' }])).toBe('a: 1\n');
  const broken = { name: 'b', encoding: 'base64', body: 'YTog5Ao=' } as const;
  const large = { name: 'c', encoding: 'base64', body: null } as const;
  expect(filesText([{ name: 'a', body: '' }, broken, large])).toBe(
    '# --- "a"\n# --- "b"\n# not UTF-8, in base64:\nYTog5Ao=\n# --- "c"\n# not kept: it is over the limit\n',
  );
});
