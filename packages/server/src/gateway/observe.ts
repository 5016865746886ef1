import { isDeepStrictEqual } from 'node:util';
import type { Agent, AgentIdentity, AgentReport, Instant } from '@flaghoist/fleet';
import { assess, conflicted, described, isOpen, withLedger } from '@flaghoist/fleet';
import type { AgentDescription, Fact } from '@flaghoist/opamp';
import type { Member } from '../agents/roster.ts';
import { AGENT_LIMITS } from '../limits.ts';
import type { Memory } from '../memory.ts';
import { Remembered } from '../remembered.ts';
import { attributes, componentIds, effectiveFiles, healthOf, hex, reportedOf } from './wire.ts';

/** Component maps are remembered per agent type, so that unlike agents whose hashes are equal cannot collide (S-245). */
const mapKey = ({ identifying }: AgentIdentity, hash: string): string =>
  `${String(identifying['service.name'] ?? '')} ${hash}`;

/** Takes what agents say over into their records. */
export function observer({ roster, journal, groups, effective: configs }: Memory) {
  const maps = new Remembered<Readonly<Record<string, readonly string[]>>>(AGENT_LIMITS.componentMaps);
  for (const { agent } of roster.all()) {
    const { components } = agent.identity;
    if (components?.ids) maps.set(mapKey(agent.identity, components.hash), components.ids);
  }

  function withDescription(agent: Agent, value: AgentDescription, now: Instant): Agent {
    const identifying = attributes(value.identifyingAttributes);
    const nonIdentifying = attributes(value.nonIdentifyingAttributes);
    if (withIdentity(agent, { identifying, nonIdentifying }) === agent) return agent;
    const moved = described(agent, { identifying, nonIdentifying }, groups.groupOf, now);
    const { id, admission, group } = moved.identity;
    if (admission !== agent.identity.admission)
      journal.record('agent.quarantined', `agent/${id}`, { group: group?.name ?? null, moves: moved.identity.moves });
    return moved;
  }

  /**
   * The agent with a fact of the session taken over. The same reference comes back when it says nothing new: a repeated
   * report is no event and writes nothing (S-093). While an assignment is open, when it was said matters too.
   */
  function observe(agent: Agent, fact: Fact, now: Instant): Agent {
    switch (fact.kind) {
      case 'agentDescription':
        return withDescription(agent, fact.value, now);
      case 'capabilities':
        return withIdentity(agent, { capabilities: fact.capabilities });
      case 'availableComponents': {
        const { identity } = agent;
        const hash = hex(fact.value.hash.subarray(0, AGENT_LIMITS.hashBytes));
        const key = mapKey(identity, hash);
        const told = componentIds(fact.value.components);
        // Most often the hash comes alone: a known map stays (S-246).
        const known = maps.get(key);
        const isNews = hash !== '' && Object.keys(told).length > 0 && !isDeepStrictEqual(known, told);
        if (isNews) maps.set(key, told);
        const before = identity.components?.hash === hash ? identity.components.ids : null;
        const ids = (isNews ? told : known) ?? before;
        return withIdentity(agent, { components: { hash, ids } });
      }
      case 'health':
        return withReport(agent, 'health', { ...healthOf(fact.value), at: now });
      case 'remoteConfigStatus':
        return withReport(agent, 'reported', { ...reportedOf(fact.value), at: now });
      case 'effectiveConfig': {
        const { effective, changes } = configs.receive(agent, effectiveFiles(fact.value), now);
        if (agent.report.effective?.digest === effective.digest && !isOpen(agent.ledger)) return agent;
        journal.write(...changes);
        return { ...agent, report: { ...agent.report, effective } };
      }
      default:
        return agent;
    }
  }

  /** Takes over all that came of one input. The present connection epoch began at `epochSince`. */
  return function take(member: Member, facts: readonly Fact[], epochSince: Instant, now: Instant): void {
    let { agent } = member;
    for (const fact of facts) {
      agent = observe(agent, fact, now);
      // Each status gets its time, also when several come before the next turn.
      if (fact.kind === 'remoteConfigStatus') agent = withLedger(agent, assess(agent, member.presence, now));
      if (fact.kind !== 'conflict') continue;
      agent = conflicted(agent, epochSince, now);
      const { id, instanceUid } = agent.identity;
      journal.record('agent.conflict', `agent/${id}`, { instanceUid });
    }
    roster.update(member, agent);
  };
}

function withIdentity(agent: Agent, change: Partial<AgentIdentity>): Agent {
  const isSame = Object.entries(change).every(([key, value]) =>
    isDeepStrictEqual(agent.identity[key as keyof AgentIdentity], value),
  );
  return isSame ? agent : { ...agent, identity: { ...agent.identity, ...change } };
}

function withReport<K extends 'health' | 'reported'>(agent: Agent, part: K, value: NonNullable<AgentReport[K]>): Agent {
  // Apart from when it was said.
  const before = agent.report[part];
  const isSame = () => JSON.stringify({ ...before, at: value.at }) === JSON.stringify(value);
  return before !== null && !isOpen(agent.ledger) && isSame()
    ? agent
    : { ...agent, report: { ...agent.report, [part]: value } };
}
