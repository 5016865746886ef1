/** A moment on the server's clock: milliseconds since the Unix epoch. */
export type Instant = number;

/** A length of time in milliseconds. */
export type Millis = number;

const UNITS: Readonly<Record<string, Millis>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/g;

/** Reads `30s`, `1h30m`, `250ms`. Returns undefined when the text is not a duration. */
export function parseDuration(text: string): Millis | undefined {
  if (!DURATION.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(PART)) total += Number(amount) * (UNITS[unit ?? ''] ?? 0);
  return Math.round(total);
}

/** Writes a duration the way the API and the CLI show it: the largest units first, `0s` for none. */
export function formatDuration(millis: Millis): string {
  if (millis < 1_000) return millis === 0 ? '0s' : `${Math.round(millis)}ms`;
  let rest = Math.round(millis / 1_000);
  let text = '';
  for (const [unit, seconds] of [
    ['d', 86_400],
    ['h', 3_600],
    ['m', 60],
    ['s', 1],
  ] as const) {
    const count = Math.floor(rest / seconds);
    rest -= count * seconds;
    if (count > 0) text += `${count}${unit}`;
  }
  return text;
}
