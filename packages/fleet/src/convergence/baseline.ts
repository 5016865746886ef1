/** What an agent's health is compared with (A.5): how it was when it was assigned what it has now. */
import type { Agent, Health } from '../agents/agent.ts';
import { LIMITS } from '../limits.ts';
import type { Baseline } from './ledger.ts';

/** Paths of the components below that are not healthy, such as `pipeline:traces > exporter:otlp`. */
function* unhealthyIn({ components }: Health, within = ''): Generator<string> {
  for (const [name, part] of Object.entries(components)) {
    const path = within + name;
    if (!part.healthy) yield path;
    yield* unhealthyIn(part, `${path} > `);
  }
}

/**
 * The baseline of what is assigned to the agent now. While it holds something without proof its health may come from
 * that: then it is compared with how it was before.
 */
export function baselineOf({ ledger, report: { health } }: Agent): Baseline | null {
  if (ledger !== null && ledger.sentAt !== null && ledger.phase !== 'proven') return ledger.baseline;
  if (health === null) return null;
  const unhealthy = [...unhealthyIn(health).take(LIMITS.baselineComponents)];
  return health.healthy && unhealthy.length === 0 ? null : { healthy: health.healthy, unhealthy };
}

/**
 * A component that is not healthy and was not so before (S3); undefined when there is none. One that was not there before
 * counts as healthy before; where more were ill than are remembered, nothing can be said.
 */
export function worsened(health: Health, baseline: Baseline | null): string | undefined {
  const before = baseline?.unhealthy ?? [];
  if (before.length >= LIMITS.baselineComponents) return undefined;
  return unhealthyIn(health).find((path) => !before.includes(path));
}
