import { hash } from 'node:crypto';
import * as fleet from '@flaghoist/fleet';
import type { Member } from '../agents/roster.ts';
import { Waiting } from './waiting.ts';

/** Position of an agent in a rollout's order: by hash, never by uid, or the same hosts would always come first (A.6). */
export const rank: fleet.Rank = (seed, agent) => hash('sha256', `wave/1 ${seed} ${agent}`);

/** An active rollout in memory, and who of its group is still to come. */
export class Active {
  rollout: fleet.Rollout;
  readonly waiting = new Waiting();
  /** Those that proved it and may not be well any more. */
  readonly doubtful = new Set<Member>();
  /** How its agents got on since the last `advance`. */
  readonly #observed: fleet.Observation[] = [];

  /** `members` in the order of their turns. */
  constructor(rollout: fleet.Rollout, members: Iterable<{ readonly member: Member; readonly rank: string }>) {
    this.rollout = rollout;
    for (const { member, rank } of members) {
      this.#await(member, rank);
      this.#doubt(member);
    }
  }

  /** All members in the order of their ranks: what a rollout that comes from the store begins with. */
  static ranked(rollout: fleet.Rollout, members: Iterable<Member>): Active {
    const ranked = Array.from(members, (member) => ({ member, rank: rank(rollout.seed, member.agent.identity.id) }));
    ranked.sort((a, b) => (a.rank < b.rank ? -1 : 1));
    return new Active(rollout, ranked);
  }

  /** Takes in how a member stands now, given the ledger entry that was heard of last. */
  follow(member: Member, heard: fleet.LedgerEntry | null): void {
    const { agent, presence } = member;
    const { id, group } = agent.identity;
    const news = fleet.observation(heard, agent, this.rollout);
    if (news !== undefined) this.#observed.push(news);
    this.#doubt(member);
    if (group?.name !== this.rollout.group || !fleet.isCandidate(this.rollout, agent)) this.waiting.delete(id);
    else if (presence.connected || this.waiting.has(id)) this.#await(member);
  }

  /** What was observed since the last call. */
  takeObserved(): fleet.Observation[] {
    return this.#observed.splice(0);
  }

  #doubt(member: Member): void {
    const { ledger } = member.agent;
    const isIts = ledger?.phase === 'proven' && fleet.broughtBy(ledger) === this.rollout.id;
    if (isIts && (!member.presence.connected || ledger.unhealthySince !== null)) this.doubtful.add(member);
    else this.doubtful.delete(member);
  }

  #await(member: Member, known?: string): void {
    const { agent } = member;
    const { id } = agent.identity;
    if (!fleet.isCandidate(this.rollout, agent)) return;
    const own = () => known ?? rank(this.rollout.seed, id);
    this.waiting.put(fleet.stageOf(this.rollout, id, own, fleet.isIll(agent)), member);
  }
}
