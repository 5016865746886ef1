import { standing } from '@flaghoist/fleet';
import type { Member } from '../agents/roster.ts';
import { SERVER_LIMITS } from '../limits.ts';
import type { Memory } from '../memory.ts';

/** Tells the event stream how agents and rollouts get on: coalesced, so that a push to 10,000 agents is some events. */
export function announcer({ journal, rollouts }: Pick<Memory, 'journal' | 'rollouts'>) {
  /** Agents whose state may be another one than was told last. */
  const touched = new Set<Member>();
  let told = new Map<string, number>();

  /** Records what changed since the last call. */
  function tell(): void {
    const changed = Array.from(touched).flatMap((member) => {
      const { agent, presence, announced: from, gone } = member;
      const { id, group } = agent.identity;
      const { state, reason } = standing(agent, presence);
      member.announced = state;
      return gone || state === from ? [] : [{ id, group: group?.name ?? null, from, state, reason }];
    });
    touched.clear();
    while (changed.length > 0) {
      const agents = changed.splice(0, SERVER_LIMITS.changesPerEvent);
      journal.record('agents.changed', 'fleet', { agents });
    }
    const running = rollouts.running();
    for (const { id, version, group, state, counts, planned } of running) {
      if (told.get(id) === version) continue;
      journal.record('rollout.progressed', `rollout/${id}`, { group, state, counts, planned });
    }
    told = new Map(running.map(({ id, version }) => [id, version]));
  }

  return { note: (member: Member) => touched.add(member), tell };
}
