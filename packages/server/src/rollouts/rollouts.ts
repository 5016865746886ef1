import { hash } from 'node:crypto';
import * as fleet from '@flaghoist/fleet';
import type { Member, Roster } from '../agents/roster.ts';
import type { Journal } from '../events/journal.ts';
import type { Groups } from '../groups/groups.ts';
import { SERVER_LIMITS } from '../limits.ts';
import type { RolloutSummary, Store } from '../storage/store.ts';
import { Active, rank } from './active.ts';
import { carryOut } from './orders.ts';
import { checkRetry } from './retry.ts';
import { Summaries, summaryOf } from './summaries.ts';
import { dataOf, wordFor } from './telling.ts';
import { wayBack } from './way-back.ts';

interface Parts {
  readonly roster: Roster;
  readonly groups: Groups;
  readonly journal: Journal;
}

type Request = Omit<fleet.RolloutRequest, 'supersedes'>;

const sha256: fleet.Digest = (text) => hash('sha256', text);

/** What to say instead to one that has ended. */
const INSTEAD: Partial<Record<fleet.Verb['verb'], string>> = {
  retry: ': flaghoist agent retry AGENT asks it once more',
};

/** The shell of the rollouts: feeds what happens to the pure machine, writes its log, and does what follows. */
export class Rollouts {
  /** By group: at most one rollout of a group is active (I12). */
  readonly #active = new Map<string, Active>();
  readonly #summaries = new Summaries();
  readonly #parts: Parts;
  /** After our own downtime agents need time to come back: until then nobody counts as unreachable (I10). */
  readonly #startedAt: fleet.Instant;

  constructor(parts: Parts, startedAt: fleet.Instant) {
    this.#parts = parts;
    this.#startedAt = startedAt;
  }

  /** Puts back what was stored: the summaries, and of those that have not ended the log. */
  async load(summaries: Iterable<RolloutSummary>, store: Pick<Store, 'rolloutLog'>): Promise<void> {
    for (const summary of summaries) {
      const rollout = fleet.TERMINAL.has(summary.state) ? null : fleet.fold(await store.rolloutLog(summary.id));
      this.#summaries.put(rollout === null ? summary : summaryOf(rollout));
      if (rollout !== null)
        this.#active.set(rollout.group, Active.ranked(rollout, this.#parts.roster.inGroup(rollout.group)));
    }
  }

  all(): RolloutSummary[] {
    return this.#summaries.all();
  }

  /** The active ones. */
  running(): fleet.Rollout[] {
    return Array.from(this.#active.values(), ({ rollout }) => rollout);
  }

  find(id: string): RolloutSummary | undefined {
    return this.#summaries.find(id);
  }

  /** @throws FleetError `not-found`. */
  summary(id: string): RolloutSummary {
    return this.#summaries.get(id);
  }

  /** The rollouts of that id: one, or those of a push to several groups. @throws FleetError `not-found`. */
  family(id: string): RolloutSummary[] {
    const children = this.#summaries.childrenOf(id);
    return children.length > 0 ? children : [this.summary(id)];
  }

  isWithdrawn(agent: fleet.Agent): boolean {
    return this.#summaries.isWithdrawn(agent);
  }

  isLeft(agent: fleet.Agent): boolean {
    return this.#summaries.isLeft(agent);
  }

  /** The active rollout with that id, and who waits to be admitted by it. */
  active(id: string): Active | undefined {
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

  /** What a rollout would do, by the code that does it; nothing changes. */
  plan(request: Request): fleet.Plan {
    const supersedes = this.activeOf(request.group)?.id ?? null;
    const members = [...this.#parts.roster.inGroup(request.group)];
    return fleet.planRollout({ ...request, supersedes }, members, rank, sha256);
  }

  /** Starts what was planned in the same turn, over the group's members; O(1) rows are written (principle 6). */
  start({ header, order }: fleet.Plan, now: fleet.Instant): void {
    const { id, group, author } = header;
    const before = this.#active.get(group);
    if (before !== undefined) this.#apply(before, { type: 'superseded', by: id }, now, author);
    const rollout = this.#fold(null, { type: 'started', header }, now, author);
    const members = order.flatMap(({ agent, rank }) => {
      const member = this.#parts.roster.get(agent);
      return member === undefined ? [] : [{ member, rank }];
    });
    this.#active.set(group, new Active(rollout, members));
    this.#parts.journal.record('rollout.started', `rollout/${id}`, dataOf(rollout), author);
  }

  /** The database is older than what was done with it: nothing goes on before a person has seen that (I14). */
  pauseForTimeTravel(now: fleet.Instant): void {
    const message = 'an older copy of the database was put back: agents may have more than it knows of';
    for (const active of this.#active.values()) {
      if (active.rollout.state !== 'rolling-back')
        this.#apply(active, { type: 'paused', reason: 'time-travel', message }, now);
    }
  }

  /** Starts what takes a finished rollout back: what that brought is condemned, and given to nobody more. @throws FleetError `conflict` when that cannot be. */
  goBack(
    finished: RolloutSummary,
    given: Pick<Request, 'id' | 'seed' | 'author' | 'message'>,
    now: fleet.Instant,
  ): void {
    const { groups } = this.#parts;
    const { group, target } = finished;
    this.checkFree(group, false);
    const request = { ...given, ...wayBack(finished, groups.get(group), given.message) };
    this.start(this.plan(request), now);
    groups.condemn(group, target.hash);
    groups.makeStable(group, request.target);
  }

  /** What a person asks of an active rollout. @throws FleetError `conflict` when that cannot be. */
  ask(id: string, asked: fleet.Verb, now: fleet.Instant, author: string): void {
    const active = this.active(id);
    if (active === undefined)
      throw new fleet.FleetError(
        'conflict',
        `rollout ${id} has ended (${this.summary(id).state})${INSTEAD[asked.verb] ?? ''}`,
      );
    const event = fleet.eventOf(active.rollout, asked);
    if (event?.type === 'retried') this.#checkRetries(active.rollout, event.agents);
    if (event !== undefined) this.#apply(active, event, now, author);
  }

  #checkRetries(rollout: fleet.Rollout, agents: readonly fleet.AgentId[]): void {
    for (const agent of agents) checkRetry(this.#parts.roster.get(agent), agent, rollout);
    // A person asks, so it is as if it went on.
    const room = this.#familyRoom({ ...rollout, state: 'running' });
    if (agents.length > room)
      throw new fleet.FleetError(
        'conflict',
        `${agents.length} to retry, and ${room} places are free over all groups of this push (I1): pause it, and retry when those in flight are done`,
      );
  }

  /** How many more agents this one may admit, of all rollouts of its push together. */
  #familyRoom(rollout: fleet.Rollout): number {
    if (rollout.parent === null) return Number.POSITIVE_INFINITY;
    const family = this.running().filter(({ parent }) => parent === rollout.parent);
    return fleet.familyRoom(
      rollout,
      family.map((one) => (one.id === rollout.id ? rollout : one)),
    );
  }

  /**
   * Takes in how a member stands now: what its rollout, or the one that carries it over, must hear of it; and whether it
   * waits to be admitted, because it came into the group, came back, or was given back.
   */
  follow(member: Member): void {
    const { heard } = member;
    member.heard = member.agent.ledger;
    for (const active of this.#active.values()) active.follow(member, heard);
  }

  /** Folds what was observed and does what follows from it, admitting `room` agents at most. Returns how much room is left. */
  advance(now: fleet.Instant, room: number): number {
    const all = [...this.#active.values()];
    for (const active of all) this.#foldObserved(active, now);
    // What stops one of a push is decided before another of it is given the place that came free by that (I2).
    for (const active of all) if (active.rollout.parent !== null) this.#decide(active, now, 0);
    let left = room;
    for (const active of all.sort((a, b) => fleet.byNeed(a.rollout, b.rollout))) left = this.#decide(active, now, left);
    return left;
  }

  /** All that follows from what is; returns how much room is left. */
  #decide(active: Active, now: fleet.Instant, room: number): number {
    let left = room;
    for (let steps = 0; steps < SERVER_LIMITS.decisionsPerTurn; steps += 1) {
      const event = fleet.decide(active.rollout, this.#surroundings(active, left, now), now);
      if (event === undefined) break;
      if (event.type === 'admitted' || event.type === 'reverting') left -= event.agents.length;
      this.#apply(active, event, now);
    }
    return left;
  }

  #foldObserved(active: Active, now: fleet.Instant): void {
    const changes = active.takeObserved();
    if (changes.length > 0) this.#apply(active, { type: 'observed', changes }, now);
    for (const { agent } of changes) {
      const member = this.#parts.roster.get(agent);
      if (member && active.rollout.targets.get(agent)?.state === 'deferred') active.follow(member, member.heard);
    }
  }

  #surroundings({ rollout, waiting, doubtful }: Active, room: number, now: fleet.Instant): fleet.Surroundings {
    const { roster, groups } = this.#parts;
    const { group, stage, parent } = rollout;
    const siblings = parent === null ? [] : this.family(parent);
    const members = () => roster.inGroup(group);
    return {
      waiting: () => waiting.upTo(stage),
      untouched: () => waiting.upTo(rollout.stages.length),
      member: (id) => roster.get(id)?.agent,
      control: () => fleet.controlGroup(rollout, members(), this.#startedAt),
      condemned: new Set(groups.find(group)?.condemned),
      doubtful: () => doubtful,
      upSince: this.#startedAt,
      isReturning: () => now < this.#startedAt + SERVER_LIMITS.reconnectGrace && members().values().some(isUnheard),
      room,
      familyRoom: this.#familyRoom(rollout),
      trippedSibling: siblings.find((one) => one.id !== rollout.id && fleet.hasTripped(one))?.id ?? null,
    };
  }

  #apply(active: Active, event: fleet.RolloutEvent, now: fleet.Instant, author?: string): void {
    const before = active.rollout;
    const rollout = this.#fold(before, event, now, author);
    active.rollout = rollout;
    carryOut(this.#parts.roster, active, event, now);
    if (rollout.state !== before.state) this.#enter(active);
    const told = wordFor(event, before, rollout);
    if (told !== undefined) this.#parts.journal.record(told, `rollout/${rollout.id}`, dataOf(rollout), author);
  }

  /** Folds one event; its row stands in the next commit, together with all that follows from it. */
  #fold(before: fleet.Rollout | null, event: fleet.RolloutEvent, now: fleet.Instant, author = 'flaghoist') {
    const rollout = fleet.step(before, event, now);
    const row = summaryOf(rollout);
    this.#summaries.put(row);
    this.#parts.journal.write(
      { kind: 'rollout-log', row: { rollout: rollout.id, version: rollout.version, at: now, author, event } },
      { kind: 'rollout', row },
    );
    return rollout;
  }

  /** A success makes its target the stable revision, a rollback condemns it; what has ended leaves its members to others. */
  #enter({ rollout }: Active): void {
    const { roster, groups } = this.#parts;
    const { group, state, target } = rollout;
    if (state === 'succeeded') groups.makeStable(group, target);
    if (state === 'rolling-back') groups.condemn(group, target.hash);
    if (!fleet.TERMINAL.has(state)) return;
    this.#active.delete(group);
    for (const member of roster.inGroup(group)) roster.touch(member);
  }
}

/** Not heard of since our own start. */
const isUnheard = ({ presence }: Member): boolean => !presence.connected && presence.lastSeen === null;
