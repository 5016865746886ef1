/** A moment on the server's clock: milliseconds since the Unix epoch. */
export type Instant = number;

/** A length of time in milliseconds. */
export type Millis = number;

const UNITS: Readonly<Record<string, Millis>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };
const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/g;

/** Reads `30s`, `1h30m`, `250ms`. Returns undefined when the text is not a duration. */
export function parseDuration(text: string): Millis | undefined {
  if (!DURATION.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(PART)) total += Number(amount) * (UNITS[unit ?? ''] ?? 0);
  const millis = Math.round(total);
  return Number.isSafeInteger(millis) ? millis : undefined;
}

/** Writes a duration so that `parseDuration` gives it back to the millisecond: the largest units first, `0s` for none. */
export function formatDuration(millis: Millis): string {
  let rest = Math.round(millis);
  let text = '';
  for (const [unit, length] of Object.entries(UNITS)) {
    const count = Math.floor(rest / length);
    rest -= count * length;
    if (count > 0) text += `${count}${unit}`;
  }
  return text || '0s';
}
