import { type AgentState, type Rollout, standing } from '@flaghoist/fleet';
import type { Member } from '../agents/roster.ts';
import { type Journal, SERVER } from '../events/journal.ts';
import { SERVER_LIMITS } from '../limits.ts';
import type { Rollouts } from '../rollouts/rollouts.ts';
import type { Change } from '../storage/store.ts';

interface StateChange {
  readonly id: string;
  readonly group: string | null;
  readonly from: AgentState | null;
  readonly state: AgentState;
  readonly reason: string;
}

/** Tells the event stream how agents and rollouts get on: coalesced, so that a push to 10,000 agents is some events. */
export class Announcer {
  readonly #changed = new Map<string, StateChange>();
  #toldVersion = new Map<string, number>();
  readonly #rollouts: Rollouts;
  readonly #journal: Journal;

  constructor(journal: Journal, rollouts: Rollouts) {
    this.#journal = journal;
    this.#rollouts = rollouts;
  }

  /** Notes the agent's state when it differs from what was told last. */
  note(member: Member): void {
    const { agent, presence, announced } = member;
    const { id, group } = agent.identity;
    const { state, reason } = standing(agent, presence);
    if (state === announced) return;
    const from = this.#changed.get(id)?.from ?? announced;
    member.announced = state;
    if (from === state) this.#changed.delete(id);
    else this.#changed.set(id, { id, group: group?.name ?? null, from, state, reason });
  }

  /** The events for what changed since the last call. */
  take(now: number): Change[] {
    const changes: Change[] = [];
    const waiting = [...this.#changed.values()];
    this.#changed.clear();
    for (let at = 0; at < waiting.length; at += SERVER_LIMITS.changesPerEvent) {
      const agents = waiting.slice(at, at + SERVER_LIMITS.changesPerEvent);
      changes.push({
        kind: 'event',
        row: this.#journal.record('agents.changed', SERVER, 'fleet', { agents }, now),
      });
    }
    const told = new Map<string, number>();
    for (const rollout of this.#rollouts.running()) {
      told.set(rollout.id, rollout.version);
      if (this.#toldVersion.get(rollout.id) === rollout.version) continue;
      changes.push({ kind: 'event', row: this.#progress(rollout, now) });
    }
    this.#toldVersion = told;
    return changes;
  }

  #progress(rollout: Rollout, now: number) {
    const { id, group, state, counts, planned } = rollout;
    return this.#journal.record('rollout.progressed', SERVER, `rollout/${id}`, { group, state, counts, planned }, now);
  }
}
