import * as fleet from '@flaghoist/fleet';
import type { Member } from '../agents/roster.ts';
import type { Memory } from '../memory.ts';

/** The catch-up lanes of all groups: who gets the stable revision now, and who waits for a place (A.7). */
export function catchUpLanes({ roster, groups, rollouts, journal }: Memory) {
  /** Lanes that were said to have stopped: too many agents failed in them. */
  const toldStopped = new Set<string>();
  /** Free places by group, counted anew with each tick. */
  const places = new Map<string, number>();
  const waiting = new Set<Member>();

  function countPlaces(group: string, stable: fleet.RevisionRef): number {
    const agents = Array.from(roster.inGroup(group), ({ agent }) => agent);
    const { free, failed, stopped } = fleet.lane(agents, agents.length, stable);
    const key = `${group} ${stable.hash}`;
    if (stopped && !toldStopped.has(key)) {
      toldStopped.add(key);
      journal.record('catch-up.stopped', `group/${group}`, { stable, failed });
    }
    return free;
  }

  function takePlace(group: string, stable: fleet.RevisionRef): boolean {
    const free = places.get(group) ?? countPlaces(group, stable);
    places.set(group, Math.max(0, free - 1));
    return free > 0;
  }

  return {
    /** Time has passed: counts the places again, and looks again at those who found none. */
    tick(): void {
      places.clear();
      for (const member of waiting) roster.touch(member);
      waiting.clear();
    },

    /** Gives a new or returning agent the group's stable revision, unless a running rollout will take it. */
    admit(member: Member, now: fleet.Instant): void {
      const { agent, presence } = member;
      const { name, stable } = groups.find(agent.identity.group?.name ?? '') ?? {};
      if (name === undefined || stable == null || !fleet.needsCatchUp(agent, presence, stable, now)) return;
      const active = rollouts.activeOf(name);
      if (active?.state === 'running') return;
      // A paused rollout keeps whom it gave its revision to, but for those that it gave up and who hold nothing of it.
      if (active && !fleet.mayBeAdmitted(active, agent.identity.id) && !fleet.isGivenUp(agent, presence, now)) return;
      if (!fleet.runsAlready(agent, stable) && !takePlace(name, stable)) waiting.add(member);
      else
        roster.update(
          member,
          fleet.assign(agent, stable, { kind: 'catch-up', group: name }, fleet.CATCH_UP_TERMS, now),
        );
    },
  };
}
