import {
  assign,
  CATCH_UP_TERMS,
  type Instant,
  lane,
  mayBeAdmitted,
  needsCatchUp,
  type RevisionRef,
  runsAlready,
} from '@flaghoist/fleet';
import type { Member } from '../agents/roster.ts';
import type { Memory } from '../memory.ts';

/** The catch-up lanes of all groups: who gets the stable revision now, and who waits for a place (A.7). */
export class CatchUpLanes {
  readonly #memory: Memory;
  /** Lanes that were said to have stopped: too many agents failed in them. */
  readonly #stopped = new Set<string>();
  /** Free places by group, counted anew with each tick. */
  readonly #free = new Map<string, number>();
  readonly #waiting = new Set<Member>();

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  /** Time has passed: counts the places again, and looks again at those who found none. */
  tick(): void {
    this.#free.clear();
    for (const member of this.#waiting) this.#memory.roster.touch(member);
    this.#waiting.clear();
  }

  /** Gives a new or returning agent the group's stable revision, unless a running rollout will take it. */
  admit(member: Member, now: Instant): void {
    const { roster, groups, rollouts } = this.#memory;
    const { agent, presence } = member;
    const { name, stable } = groups.find(agent.identity.group?.name ?? '') ?? {};
    if (name === undefined || stable == null || !needsCatchUp(agent, presence, stable, now)) return;
    const active = rollouts.activeOf(name);
    if (active !== undefined && (active.state === 'running' || !mayBeAdmitted(active, agent.identity.id))) return;
    if (!runsAlready(agent, stable) && !this.#takePlace(name, stable)) this.#waiting.add(member);
    else roster.update(member, assign(agent, stable, { kind: 'catch-up', group: name }, CATCH_UP_TERMS, now));
  }

  #takePlace(group: string, stable: RevisionRef): boolean {
    const free = this.#free.get(group) ?? this.#count(group, stable);
    this.#free.set(group, Math.max(0, free - 1));
    return free > 0;
  }

  #count(group: string, stable: RevisionRef): number {
    const agents = Array.from(this.#memory.roster.inGroup(group), ({ agent }) => agent);
    const { free, failed, stopped } = lane(agents, agents.length, stable);
    const key = `${group} ${stable.hash}`;
    if (stopped && !this.#stopped.has(key)) {
      this.#stopped.add(key);
      this.#memory.journal.record('catch-up.stopped', `group/${group}`, { stable, failed });
    }
    return free;
  }
}
