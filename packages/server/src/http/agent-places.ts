/** Places for what people do to agents: as many of a group at a time as may be in flight (I7). */
import { ApiError } from '@flaghoist/api';
import * as fleet from '@flaghoist/fleet';
import type { Member } from '../agents/roster.ts';
import type { ControlPlane } from '../control-plane.ts';

/** When agents were told to restart. In memory alone: a command is not repeated after our own restart either. */
export type Restarts = Map<Member, fleet.Instant>;

/** An agent that was told to restart is back once it says that it is healthy, and else counts for as long as a verdict may take. */
const RESTART_GRACE = fleet.strategyNamed('careful').terms.applyTimeout;

function isRestarting({ agent: { report } }: Member, since: fleet.Instant | undefined, now: fleet.Instant): boolean {
  if (since === undefined || now - since >= RESTART_GRACE) return false;
  return !(report.health?.healthy === true && report.health.at > since);
}

const isActedOn = ({ agent: { ledger } }: Member): boolean =>
  fleet.isOpen(ledger) && (ledger?.source.kind === 'pin' || ledger?.source.kind === 'retry');

export function agentPlaces({ groups, now, roster, strategies }: ControlPlane, restarts: Restarts) {
  const isBusy = (member: Member): boolean =>
    fleet.isOpen(member.agent.ledger) || isRestarting(member, restarts.get(member), now());

  const membersOf = (group: string | null): Member[] =>
    group === null
      ? [...roster.all()].filter(({ agent }) => agent.identity.group === null)
      : [...roster.inGroup(group)];

  const boundOf = (group: string | null, members: readonly Member[]): number => {
    const strategy = strategies.resolve(groups.find(group ?? '')?.strategy ?? fleet.DEFAULT_STRATEGY);
    return Math.max(1, fleet.boundsOf(strategy, members.length).maxInFlight);
  };

  /** Free places of each group, the acted upon not counted: rollout, lane, pins, retries and restarts together (I7). */
  function placesOf(group: string | null): number {
    const members = membersOf(group);
    return Math.max(0, boundOf(group, members) - members.filter(isBusy).length);
  }

  /**
   * An act on one agent goes beside a rollout, as it may be what an emergency asks for, but not beside as many other acts as
   * may be in flight: one by one they would be a push without stages (I7). @throws ApiError `no-place`.
   */
  function checkPlace(member: Member): void {
    const group = member.agent.identity.group?.name ?? null;
    const members = membersOf(group);
    const most = boundOf(group, members);
    const acted = members.filter(
      (one) => one !== member && (isActedOn(one) || isRestarting(one, restarts.get(one), now())),
    );
    if (acted.length < most) return;
    const what = `${acted.length} agents of ${group === null ? 'no group' : `group ${group}`} are pinned, retried or restarted just now`;
    throw new ApiError('no-place', `${what}; ${most} may be at a time: ask again in a while, or start a rollout`);
  }

  return { isBusy, placesOf, checkPlace };
}
