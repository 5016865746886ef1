import { hash } from 'node:crypto';
import * as fleet from '@flaghoist/fleet';
import type { Member, Roster } from '../agents/roster.ts';
import type { Journal } from '../events/journal.ts';
import type { Groups } from '../groups/groups.ts';
import type { RolloutSummary, Store } from '../storage/store.ts';

/** An active rollout in memory. */
interface Active {
  rollout: fleet.Rollout;
  /** How its agents got on since the last `advance`. */
  readonly observed: fleet.Observation[];
  /** Members that are no target yet, in the order in which they will be admitted. */
  readonly pending: Map<fleet.AgentId, Member>;
}

interface Parts {
  readonly roster: Roster;
  readonly groups: Groups;
  readonly journal: Journal;
}

/** Position of an agent in a rollout's order: by hash, never by uid, or the same hosts would always come first (A.6). */
const rank = (rollout: string, agent: fleet.AgentId): string => hash('sha256', `${rollout} ${agent}`);

function summaryOf({ targets: _targets, carried: _carried, ...summary }: fleet.Rollout): RolloutSummary {
  return summary;
}

/** The shell of the rollouts: feeds what happens to the pure machine, writes its log, and does what follows. */
export class Rollouts {
  /** By group: at most one rollout of a group is active (I12). */
  readonly #active = new Map<string, Active>();
  readonly #ended = new Map<string, RolloutSummary>();
  readonly #parts: Parts;
  /** Until then nobody counts as unreachable: after our own downtime agents need time to come back (I10). */
  readonly #reconnectUntil: fleet.Instant;

  constructor(parts: Parts, reconnectUntil: fleet.Instant) {
    this.#parts = parts;
    this.#reconnectUntil = reconnectUntil;
  }

  /** Puts back what was stored: the summaries, and of those that have not ended the log. */
  async load(summaries: Iterable<RolloutSummary>, store: Pick<Store, 'rolloutLog'>): Promise<void> {
    for (const summary of summaries) {
      const rollout = fleet.TERMINAL.has(summary.state) ? null : fleet.fold(await store.rolloutLog(summary.id));
      if (rollout === null) this.#ended.set(summary.id, summary);
      else this.#activate(rollout);
    }
  }

  all(): RolloutSummary[] {
    return [...this.running(), ...this.#ended.values()];
  }

  /** The active ones. */
  running(): fleet.Rollout[] {
    return Array.from(this.#active.values(), ({ rollout }) => rollout);
  }

  /** @throws FleetError `not-found`. */
  summary(id: string): RolloutSummary {
    return fleet.found(this.active(id)?.rollout ?? this.#ended.get(id), `no rollout has the id ${JSON.stringify(id)}`);
  }

  /** Whether another rollout took over from the one that gave this agent its revision: that is not sent any more. */
  isSuperseded({ ledger }: fleet.Agent): boolean {
    const source = ledger?.source;
    return source?.kind === 'rollout' && this.#ended.get(source.rollout)?.state === 'superseded';
  }

  /** The active rollout with that id, and who waits to be admitted by it. */
  active(id: string): Readonly<Pick<Active, 'rollout' | 'pending'>> | undefined {
    return this.#active.values().find(({ rollout }) => rollout.id === id);
  }

  activeOf(group: string): fleet.Rollout | undefined {
    return this.#active.get(group)?.rollout;
  }

  /** @throws FleetError `rollout-active` when the group has one and `supersede` was not asked for. */
  checkFree(group: string, supersede: boolean): void {
    const running = this.activeOf(group);
    if (running === undefined || supersede) return;
    throw new fleet.FleetError(
      'rollout-active',
      `group ${group} has rollout ${running.id} (${running.state}) to ${running.target.configuration}@${running.target.revision}; wait for it, or take over from it with --supersede`,
    );
  }

  /** Starts a rollout over the group's members; O(1) rows are written (principle 6). */
  start(request: Omit<fleet.RolloutRequest, 'supersedes'>, now: fleet.Instant): void {
    const { id, group, author } = request;
    const before = this.#active.get(group);
    const members = Array.from(this.#parts.roster.inGroup(group), ({ agent }) => agent);
    const header = fleet.planRollout({ ...request, supersedes: before?.rollout.id ?? null }, members);
    if (before !== undefined) this.#apply(before, { type: 'superseded', by: id }, now, author);
    this.#activate(this.#fold(null, { type: 'started', header }, now, author));
  }

  /**
   * Takes in how a member stands now: what its rollout, or the one that carries it over, must hear of it; and whether it
   * waits to be admitted, because it came into the group, came back, or was given back.
   */
  follow(member: Member): void {
    const { agent, heard, presence } = member;
    const { id, group } = agent.identity;
    member.heard = agent.ledger;
    for (const { rollout, observed, pending } of this.#active.values()) {
      const news = fleet.observation(heard, agent, rollout);
      if (news !== undefined) observed.push(news);
      if (group?.name !== rollout.group || !fleet.isCandidate(rollout, agent)) pending.delete(id);
      else if (presence.connected) pending.set(id, member);
    }
  }

  /** Folds what was observed, admits as many as may be, `room` at most, ends what is done. Returns how much room is left. */
  advance(now: fleet.Instant, room: number): number {
    let left = room;
    for (const active of this.#active.values()) {
      const { observed, pending } = active;
      const changes = observed.splice(0);
      if (changes.length > 0) this.#apply(active, { type: 'observed', changes }, now);
      for (const { agent } of changes) {
        const member = this.#parts.roster.get(agent);
        if (member && active.rollout.targets.get(agent)?.state === 'deferred') pending.set(agent, member);
      }
      const agents = fleet.admissible(active.rollout, pending.values(), left);
      left -= agents.length;
      for (const { agent } of agents) pending.delete(agent);
      if (agents.length > 0) this.#apply(active, { type: 'admitted', agents }, now);
      if (!fleet.isOver(active.rollout, pending.size)) continue;
      if ([...pending.values()].some((member) => this.#isAwaited(member, now))) continue;
      this.#apply(active, { type: 'exhausted', deferred: [...pending.keys()] }, now);
    }
    return left;
  }

  /** There, or not yet back since our own start (I10). */
  #isAwaited({ presence: { connected, lastSeen } }: Member, now: fleet.Instant): boolean {
    return connected || (lastSeen === null && now < this.#reconnectUntil);
  }

  #apply(active: Active, event: fleet.RolloutEvent, now: fleet.Instant, author?: string): void {
    active.rollout = this.#fold(active.rollout, event, now, author);
    const { id, group, state } = active.rollout;
    if (!fleet.TERMINAL.has(state)) return;
    this.#active.delete(group);
    this.#ended.set(id, summaryOf(active.rollout));
  }

  /** Folds one event; its row stands in the next commit, together with all that follows from it. */
  #fold(before: fleet.Rollout | null, event: fleet.RolloutEvent, now: fleet.Instant, author?: string): fleet.Rollout {
    const rollout = fleet.step(before, event, now);
    this.#parts.journal.write(
      { kind: 'rollout-log', row: { rollout: rollout.id, version: rollout.version, at: now, event } },
      { kind: 'rollout', row: summaryOf(rollout) },
    );
    if (event.type === 'admitted') this.#assign(rollout, event.agents, now);
    if (rollout.state !== before?.state) this.#enter(rollout, author);
    return rollout;
  }

  #assign(
    { id, target, strategy }: fleet.Rollout,
    agents: Iterable<{ readonly agent: fleet.AgentId }>,
    now: fleet.Instant,
  ): void {
    const { roster } = this.#parts;
    for (const { agent } of agents) {
      const member = roster.get(agent);
      const source = { kind: 'rollout', rollout: id } as const;
      if (member) roster.update(member, fleet.assign(member.agent, target, source, strategy.terms, now));
    }
  }

  /** A success makes its target the stable revision; every new state is told. */
  #enter({ id, group, target, state, counts, planned, pause, message }: fleet.Rollout, author?: string): void {
    const { roster, groups, journal } = this.#parts;
    if (state === 'succeeded') {
      groups.makeStable(group, target);
      for (const member of roster.inGroup(group)) roster.touch(member);
    }
    const data = { group, target, state, counts, planned, message: pause?.message ?? message };
    journal.record(`rollout.${state === 'running' ? 'started' : state}`, `rollout/${id}`, data, author);
  }

  /** Queues the members that may still be admitted, in their order. */
  #activate(rollout: fleet.Rollout): void {
    const members = [...this.#parts.roster.inGroup(rollout.group)].filter(({ agent }) =>
      fleet.isCandidate(rollout, agent),
    );
    const ranked = members.map((member): [string, Member] => [rank(rollout.id, member.agent.identity.id), member]);
    ranked.sort(([a], [b]) => (a < b ? -1 : 1));
    const pending = new Map(ranked.map(([, member]) => [member.agent.identity.id, member]));
    this.#active.set(rollout.group, { rollout, observed: [], pending });
  }
}
