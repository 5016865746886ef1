import * as fleet from '@flaghoist/fleet';
import type { Member } from '../agents/roster.ts';
import type { Memory } from '../memory.ts';

/**
 * Whether the active rollout has nothing to do with the agent. It has with its targets, though a paused one gives up who was
 * silent and holds nothing; with those carried over from the one before; and what an earlier one brought is left until it
 * comes to them.
 */
function isFreeOf(active: fleet.Rollout, { agent, presence }: Member, now: fleet.Instant): boolean {
  const { identity, ledger } = agent;
  if (!fleet.mayBeAdmitted(active, identity.id) || active.carried.has(identity.id))
    return active.state === 'paused' && fleet.isGivenUp(agent, presence, now);
  if (ledger === null || !('rollout' in ledger.source)) return true;
  return ledger.phase === 'failed' && active.state !== 'running';
}

/** The catch-up lanes of all groups: who gets the stable revision now, and who waits for a place (A.7). */
export function catchUpLanes({ roster, groups, rollouts, journal, travelledAt }: Memory) {
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

    /**
     * Gives a new or returning agent the group's stable revision, also one that a rollout will only come to (A.7). Who comes
     * and goes waits, as if it were away.
     */
    admit(member: Member, now: fleet.Instant): void {
      const { agent, presence } = member;
      const { name, stable } = groups.find(agent.identity.group?.name ?? '') ?? {};
      if (name === undefined || stable == null || !fleet.needsCatchUp(agent, presence, stable, now)) return;
      if (agent.ledger?.revision.hash === stable.hash && fleet.isOutlived(agent, travelledAt)) return;
      const active = rollouts.activeOf(name);
      if (rollouts.isLeft(agent) || (active && !isFreeOf(active, member, now))) return;
      const mayPass =
        fleet.runsAlready(agent, stable, now) || (!fleet.isFlapping(presence, now) && takePlace(name, stable));
      if (!mayPass) waiting.add(member);
      else
        roster.update(
          member,
          fleet.assign(agent, stable, { kind: 'catch-up', group: name }, fleet.CATCH_UP_TERMS, now),
        );
    },
  };
}
