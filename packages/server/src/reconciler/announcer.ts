import { type AgentState, standing } from '@flaghoist/fleet';
import type { Member } from '../agents/roster.ts';
import { type Journal, SERVER } from '../events/journal.ts';
import { SERVER_LIMITS } from '../limits.ts';
import type { Rollouts } from '../rollouts/rollouts.ts';

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

  /** Records what changed since the last call. */
  tell(): void {
    const waiting = [...this.#changed.values()];
    this.#changed.clear();
    while (waiting.length > 0) {
      const agents = waiting.splice(0, SERVER_LIMITS.changesPerEvent);
      this.#journal.record('agents.changed', SERVER, 'fleet', { agents });
    }
    const told = this.#toldVersion;
    this.#toldVersion = new Map();
    for (const { id, version, group, state, counts, planned } of this.#rollouts.running()) {
      this.#toldVersion.set(id, version);
      if (told.get(id) === version) continue;
      this.#journal.record('rollout.progressed', SERVER, `rollout/${id}`, { group, state, counts, planned });
    }
  }
}
