import { z } from 'zod';
import { limits } from './limits.ts';

/** A number with a unit after it, in the smallest one. */
function quantity(units: Readonly<Record<string, number>>, what: string) {
  const pattern = new RegExp(`^(\\d+(?:\\.\\d+)?)(${Object.keys(units).join('|')})$`);
  return z
    .string(`write ${what}`)
    .regex(pattern, `write ${what}`)
    .transform((text) => {
      const [, amount, unit = ''] = pattern.exec(text) ?? [];
      return Number(amount) * (units[unit] ?? 1);
    });
}

/** Milliseconds. */
export const duration = quantity({ ms: 1, s: 1000, m: 60_000, h: 3_600_000 }, 'a duration such as 500ms, 2s or 1m');

/** Two durations with `..` between, or one: what lies between them is chosen anew each time. */
export const durations = z
  .string('write a duration, or two such as 500ms..2s')
  .transform((text) => [text.split('..')[0], text.split('..')[1] ?? text])
  .pipe(z.tuple([duration, duration]))
  .refine(([from, to]) => from <= to, 'write the longer duration last');

/** Bytes. */
export const size = quantity({ KiB: 2 ** 10, MiB: 2 ** 20 }, 'a size such as 20KiB').refine(
  (bytes) => bytes <= limits.effectiveBytes,
  `write at most ${limits.effectiveBytes / 2 ** 20}MiB`,
);

export const agentCount = z.int().min(1).max(limits.agents);
