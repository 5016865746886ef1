import type { Millis } from '@flaghoist/fleet';
import { SERVER_LIMITS } from '../limits.ts';

/** How long to wait after so many failures in a row: twice as long each time, up to an hour, the half of it by chance. */
export function backOff(failures: number, random: number): Millis {
  const { first, most } = SERVER_LIMITS.webhookRetry;
  const longest = Math.min(most, first * 2 ** Math.min(failures - 1, 30));
  return Math.round((longest * (1 + random)) / 2);
}
