import { type Agent, type AgentIdentity, type AgentReport, IN_FLIGHT, type Instant } from '@flaghoist/fleet';
import type { Fact } from '@flaghoist/opamp';
import type { EffectiveConfigs } from '../effective/effective-configs.ts';
import { AGENT_LIMITS } from '../limits.ts';
import { Remembered } from '../remembered.ts';
import type { Change } from '../storage/store.ts';
import { attributes, componentIds, effectiveFiles, healthOf, hex, reportedOf, saysTheSame } from './wire.ts';

export interface Observed {
  readonly agent: Agent;
  /** Texts that came with the report and are not stored yet. */
  readonly changes: readonly Change[];
}

type ComponentIds = Readonly<Record<string, readonly string[]>>;

/** Component maps by the hash that agents give; scoped by agent type, so that unlike agents cannot collide (S-245). */
export class ComponentMaps {
  readonly #maps = new Remembered<ComponentIds>({ entries: AGENT_LIMITS.componentMaps });

  get(identity: AgentIdentity, hash: string): ComponentIds | undefined {
    return this.#maps.get(ComponentMaps.#key(identity, hash));
  }

  set(identity: AgentIdentity, hash: string, ids: ComponentIds): void {
    this.#maps.set(ComponentMaps.#key(identity, hash), ids);
  }

  static #key({ identifying }: AgentIdentity, hash: string): string {
    return `${String(identifying['service.name'] ?? '')} ${hash}`;
  }
}

/**
 * The agent with a fact of the session taken over. The same reference comes back when it says nothing new: a repeated
 * report is no event and writes nothing (S-093). While an assignment is open, when it was said matters too.
 */
export function observe(
  agent: Agent,
  fact: Fact,
  effective: EffectiveConfigs,
  maps: ComponentMaps,
  now: Instant,
): Observed {
  switch (fact.kind) {
    case 'description': {
      const identifying = attributes(fact.description.identifyingAttributes);
      const nonIdentifying = attributes(fact.description.nonIdentifyingAttributes);
      return withIdentity(agent, { identifying, nonIdentifying });
    }
    case 'capabilities':
      return withIdentity(agent, { capabilities: fact.capabilities });
    case 'available-components': {
      const hash = hex(fact.hash.subarray(0, AGENT_LIMITS.hashBytes));
      const { identity } = agent;
      if (fact.components !== undefined && hash !== '') maps.set(identity, hash, componentIds(fact.components));
      const ids = maps.get(identity, hash) ?? (identity.components?.hash === hash ? identity.components.ids : null);
      return withIdentity(agent, { components: { hash, ids } });
    }
    case 'health':
      return withReport(agent, 'health', { ...healthOf(fact.health), at: now });
    case 'remote-config-status':
      return withReport(agent, 'reported', reportedOf(fact.status, now));
    case 'effective-config': {
      const { effective: received, changes } = effective.receive(agent, effectiveFiles(fact.effectiveConfig), now);
      const same = agent.report.effective?.digest === received.digest && !isOpen(agent);
      return same
        ? { agent, changes: [] }
        : { agent: { ...agent, report: { ...agent.report, effective: received } }, changes };
    }
    default:
      return { agent, changes: [] };
  }
}

function withIdentity(agent: Agent, change: Partial<AgentIdentity>): Observed {
  const same = Object.entries(change).every(
    ([key, value]) => JSON.stringify(agent.identity[key as keyof AgentIdentity]) === JSON.stringify(value),
  );
  return { agent: same ? agent : { ...agent, identity: { ...agent.identity, ...change } }, changes: [] };
}

function withReport<K extends 'health' | 'reported'>(
  agent: Agent,
  part: K,
  value: NonNullable<AgentReport[K]>,
): Observed {
  if (saysTheSame(agent.report[part], value) && !isOpen(agent)) return { agent, changes: [] };
  return { agent: { ...agent, report: { ...agent.report, [part]: value } }, changes: [] };
}

const isOpen = (agent: Agent): boolean => agent.ledger !== null && IN_FLIGHT.has(agent.ledger.phase);
