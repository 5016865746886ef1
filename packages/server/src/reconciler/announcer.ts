import { standing } from '@flaghoist/fleet';
import type { Member } from '../agents/roster.ts';
import { SERVER_LIMITS } from '../limits.ts';
import type { Memory } from '../memory.ts';

/** Tells the event stream how agents and rollouts get on: coalesced, so that a push to 10,000 agents is some events. */
export class Announcer {
  readonly #memory: Pick<Memory, 'journal' | 'rollouts'>;
  /** Agents whose state may be another one than was told last. */
  readonly #touched = new Set<Member>();
  #toldVersion = new Map<string, number>();

  constructor(memory: Pick<Memory, 'journal' | 'rollouts'>) {
    this.#memory = memory;
  }

  note(member: Member): void {
    this.#touched.add(member);
  }

  /** Records what changed since the last call. */
  tell(): void {
    const { journal, rollouts } = this.#memory;
    const changed = [...this.#touched].flatMap((member) => {
      const { agent, presence, announced: from, gone } = member;
      const { id, group } = agent.identity;
      const { state, reason } = standing(agent, presence);
      member.announced = state;
      return gone || state === from ? [] : [{ id, group: group?.name ?? null, from, state, reason }];
    });
    this.#touched.clear();
    while (changed.length > 0) {
      const agents = changed.splice(0, SERVER_LIMITS.changesPerEvent);
      journal.record('agents.changed', 'fleet', { agents });
    }
    const told = this.#toldVersion;
    this.#toldVersion = new Map();
    for (const { id, version, group, state, counts, planned } of rollouts.running()) {
      this.#toldVersion.set(id, version);
      if (told.get(id) === version) continue;
      journal.record('rollout.progressed', `rollout/${id}`, { group, state, counts, planned });
    }
  }
}
