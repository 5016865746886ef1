import * as fleet from '@flaghoist/fleet';
import type { Roster } from '../agents/roster.ts';
import type { Active } from './active.ts';

/** What an event orders its agents to run: the only ways in which a rollout changes that (I7). */
export function carryOut(
  roster: Roster,
  { rollout, waiting }: Pick<Active, 'rollout' | 'waiting'>,
  event: fleet.RolloutEvent,
  now: fleet.Instant,
): void {
  const { id, target, strategy } = rollout;
  const { terms } = strategy;

  function change(agent: fleet.AgentId, changed: (agent: fleet.Agent) => fleet.Agent): void {
    const member = roster.get(agent);
    if (member !== undefined) roster.update(member, changed(member.agent));
  }

  switch (event.type) {
    case 'admitted':
      for (const { agent } of event.agents) {
        waiting.delete(agent);
        change(agent, (one) => fleet.assign(one, target, { kind: 'rollout', rollout: id }, terms, now));
      }
      break;
    case 'retried':
      for (const agent of event.agents) {
        const source = { kind: 'retry', rollout: id } as const;
        change(agent, (one) => fleet.assign(fleet.forgiving(one, target.hash), target, source, terms, now));
      }
      break;
    case 'reverting':
      for (const { agent, to, reason } of event.agents) {
        const source = { kind: 'rollback', rollout: id } as const;
        if (to !== null) change(agent, (one) => fleet.assign(one, to, source, terms, now));
        // Nothing is known that it ran well: what was wanted of it is void, and the lane brings it what is stable.
        else if (reason === 'no-last-good' || reason === 'not-sent') change(agent, (one) => fleet.unassign(one, now));
      }
      break;
    case 'stopped':
      for (const { agent, state } of rollout.targets.values()) {
        if (state === 'offered') change(agent, (one) => fleet.unassign(one, now));
      }
      break;
  }
}
