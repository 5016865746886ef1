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
      for (const back of event.agents) change(back.agent, (one) => takenBack(one, back, rollout, now));
      break;
    case 'rollback-started':
      // With all of them taken back, nobody is behind the others any more.
      for (const { agent } of rollout.targets.values().filter(fleet.hasFailed)) change(agent, fleet.behindNobody);
      break;
    case 'stopped':
      for (const { agent, state } of rollout.targets.values()) {
        if (state === 'offered') change(agent, (one) => fleet.unassign(one, now));
      }
      break;
  }
}

function takenBack(agent: fleet.Agent, { to, reason }: fleet.Revert, rollout: fleet.Rollout, now: fleet.Instant) {
  const { id, strategy } = rollout;
  const source = { kind: 'rollback', rollout: id, ...failedOn(rollout, agent) } as const;
  if (to !== null) return fleet.assign(agent, to, source, strategy.terms, now);
  // Nothing is known that it ran well: what was wanted of it is void, and the lane brings it what is stable.
  return reason === 'no-last-good' || reason === 'not-sent' ? fleet.unassign(agent, now) : agent;
}

/** What an agent is taken back for while the others go on. */
function failedOn({ state, target, targets }: fleet.Rollout, agent: fleet.Agent): { failedOn?: fleet.FailedOn } {
  const { reason = null, message = '' } = targets.get(agent.identity.id) ?? {};
  const failure = fleet.FAILURE_REASONS.find((one) => one === reason);
  if (state === 'rolling-back' || failure === undefined) return {};
  return { failedOn: { revision: target, reason: failure, message } };
}
