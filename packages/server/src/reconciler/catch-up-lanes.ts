import {
  assign,
  CATCH_UP_TERMS,
  type Group,
  type Instant,
  lane,
  needsCatchUp,
  type RevisionRef,
  runsAlready,
} from '@flaghoist/fleet';
import type { Member, Roster } from '../agents/roster.ts';
import type { Groups } from '../groups/groups.ts';
import type { Rollouts } from '../rollouts/rollouts.ts';

interface LaneParts {
  readonly roster: Roster;
  readonly groups: Groups;
  readonly rollouts: Rollouts;
}

/** Told once when a lane stops: too many agents failed in it. */
type OnStopped = (group: string, stable: RevisionRef, failed: number) => void;

/** The catch-up lanes of all groups: who gets the stable revision now, and who waits for a place (A.7). */
export class CatchUpLanes {
  readonly #parts: LaneParts;
  readonly #onStopped: OnStopped;
  readonly #stopped = new Set<string>();
  /** Free places this turn, by group: each lane is counted once per turn. */
  readonly #slots = new Map<string, number>();
  readonly #queue = new Set<string>();

  constructor(parts: LaneParts, onStopped: OnStopped) {
    this.#parts = parts;
    this.#onStopped = onStopped;
  }

  /** Forgets what was counted in the last turn. */
  begin(): void {
    this.#slots.clear();
  }

  /** Looks again at those who found no place. */
  wake(): void {
    for (const id of this.#queue) this.#parts.roster.touch(id);
    this.#queue.clear();
  }

  /** Gives a new or returning agent the group's stable revision, unless a running rollout will take it. */
  admit(member: Member, now: Instant): void {
    const { roster, groups, rollouts } = this.#parts;
    const { agent, presence } = member;
    const group = groups.find(agent.identity.group?.name ?? '');
    if (group?.stable == null || !needsCatchUp(agent, presence, group.stable)) return;
    const active = rollouts.activeOf(group.name);
    if (active?.state === 'running') return;
    const target = active?.targets.get(agent.identity.id)?.state;
    if (target !== undefined && target !== 'deferred' && target !== 'skipped') return;
    if (!runsAlready(agent, group.stable) && !this.#takeSlot(group, group.stable)) {
      this.#queue.add(agent.identity.id);
      return;
    }
    const source = { kind: 'catch-up', group: group.name } as const;
    roster.update(member, assign(agent, group.stable, source, CATCH_UP_TERMS, now));
  }

  #takeSlot({ name }: Group, stable: RevisionRef): boolean {
    let free = this.#slots.get(name);
    if (free === undefined) {
      const agents = Array.from(this.#parts.roster.inGroup(name), ({ agent }) => agent);
      const counted = lane(agents, agents.length, stable);
      free = counted.free;
      const key = `${name} ${stable.hash}`;
      if (counted.stopped && !this.#stopped.has(key)) {
        this.#stopped.add(key);
        this.#onStopped(name, stable, counted.failed);
      }
    }
    this.#slots.set(name, Math.max(0, free - 1));
    return free > 0;
  }
}
