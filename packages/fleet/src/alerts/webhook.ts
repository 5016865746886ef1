/** What a webhook may ask for. */
export const WEBHOOK_FORMATS = ['standard', 'slack', 'alertmanager'] as const;
export type WebhookFormat = (typeof WEBHOOK_FORMATS)[number];

/** Kinds that come several times a second while a fleet is busy: only who names them in full gets them. */
const FREQUENT: ReadonlySet<string> = new Set(['agents.changed', 'rollout.progressed']);

/** Whether one of the patterns names this kind of event: `rollout.paused`, `alert.*`, `*`. */
export function namesEvent(patterns: readonly string[], kind: string): boolean {
  return patterns.some((pattern) => {
    if (pattern === kind) return true;
    return pattern.endsWith('*') && kind.startsWith(pattern.slice(0, -1)) && !FREQUENT.has(kind);
  });
}
