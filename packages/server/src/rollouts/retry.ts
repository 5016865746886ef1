import * as fleet from '@flaghoist/fleet';
import type { Member } from '../agents/roster.ts';

/** @throws FleetError `conflict` when an agent that failed in a rollout cannot be asked once more just now. */
export function checkRetry(
  member: Pick<Member, 'agent' | 'presence'> | undefined,
  id: fleet.AgentId,
  { target, group }: fleet.Rollout,
): void {
  const { agent, presence } = member ?? {};
  if (agent !== undefined && fleet.isOpen(agent.ledger))
    throw new fleet.FleetError('conflict', `agent ${id} has something else under way: retry it when that is over`);
  if (agent && presence && fleet.isStillApplying(agent, presence))
    throw new fleet.FleetError('conflict', `agent ${id} ${fleet.STILL_APPLYING}`);
  const isMember = agent?.identity.group?.name === group;
  const reason = isMember ? fleet.skipReason(fleet.forgiving(agent, target.hash), target) : 'left-group';
  if (reason !== undefined)
    throw new fleet.FleetError('conflict', `agent ${id} cannot be given the revision (${reason})`);
}
