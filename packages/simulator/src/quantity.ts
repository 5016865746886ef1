import { z } from 'zod';
import { limits } from './limits.ts';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/;
const advice = 'write a duration such as 500ms, 2s or 1m';

/** Milliseconds. */
export const duration = z
  .string(advice)
  .regex(DURATION, advice)
  .transform((text) => {
    const [, amount, unit = ''] = DURATION.exec(text) ?? [];
    return Number(amount) * (UNITS[unit] ?? 1);
  });

/** Two durations with `..` between, or one: what lies between them is chosen anew each time. */
export const durations = z
  .string('write a duration, or two such as 500ms..2s')
  .transform((text) => [text.split('..')[0], text.split('..')[1] ?? text])
  .pipe(z.tuple([duration, duration]))
  .refine(([from, to]) => from <= to, 'write the longer duration last');

export const agentCount = z.int().min(1).max(limits.agents);
