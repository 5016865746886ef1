import { type Alert, summaryOf } from '@flaghoist/fleet';

const timeText = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

/** An alert as its events, the log and webhooks have it. */
export function alertData({ held: _, raisedAt, updatedAt, resolvedAt, ...alert }: Alert) {
  const times = { raisedAt: timeText(raisedAt), updatedAt: timeText(updatedAt), resolvedAt: timeText(resolvedAt) };
  return { summary: summaryOf(alert), ...alert, ...times };
}
