import type { AgentIdentity, AttributeValue, Labels } from './agent.ts';

/** The text of an attribute as selectors and tables see it; nested values have none. */
function text(value: AttributeValue): string | undefined {
  if (value === null) return undefined;
  if (typeof value !== 'object') return String(value);
  if ('int64' in value) return value.int64;
  if ('double' in value) return value.double;
  return undefined;
}

/** Identities never change once made, so each one's labels are put together once. */
const known = new WeakMap<AgentIdentity, Labels>();

/**
 * The labels of an agent: its identifying and non-identifying attributes, plus those set by operators, who win.
 * The object has no prototype, so that an attribute called `__proto__` is only a key (R18).
 */
export function labelsOf(identity: AgentIdentity): Labels {
  const before = known.get(identity);
  if (before !== undefined) return before;
  const labels: Record<string, string> = Object.create(null);
  for (const given of [identity.nonIdentifying, identity.identifying, identity.operatorLabels]) {
    for (const [key, value] of Object.entries(given)) {
      const shown = text(value);
      if (shown !== undefined) labels[key] = shown;
    }
  }
  known.set(identity, labels);
  return labels;
}

/** A name for people: host name, else service instance id, else the instance uid. */
export function nameOf(identity: AgentIdentity): string {
  const labels = labelsOf(identity);
  return labels['host.name'] ?? labels['service.instance.id'] ?? identity.instanceUid;
}
