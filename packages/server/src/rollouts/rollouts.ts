import { createHash } from 'node:crypto';
import {
  type AgentId,
  FleetError,
  fold,
  freeSlots,
  IN_FLIGHT,
  type Instant,
  inFlight,
  isLate,
  mayBeAdmitted,
  type Observation,
  planRollout,
  type Rollout,
  type RolloutCommand,
  type RolloutEvent,
  type RolloutRequest,
  skipReason,
  step,
  TERMINAL,
} from '@flaghoist/fleet';
import type { Member, Roster } from '../agents/roster.ts';
import type { Change, RolloutLog, RolloutSummary } from '../storage/store.ts';

/** An active rollout in memory: the value, what was folded into it since the last commit, and who is still to come. */
interface Active {
  rollout: Rollout;
  unwritten: { event: RolloutEvent; at: Instant }[];
  readonly noted: Observation[];
  /** Members that are no target yet, in the order in which they will be admitted. */
  readonly pending: Set<AgentId>;
}

/** What the rollouts want done, each command with its rollout. */
export interface Ordered {
  readonly rollout: Rollout;
  readonly command: RolloutCommand;
}

/** Position of an agent in a rollout's order: by hash, never by uid, or the same hosts would always come first (A.6). */
const rank = (rollout: string, agent: AgentId): string =>
  createHash('sha256').update(`${rollout} ${agent}`).digest('hex');

function summaryOf({ targets: _targets, carried: _carried, ...summary }: Rollout): RolloutSummary {
  return summary;
}

/**
 * The shell of the rollouts: feeds what happens to the pure machine, keeps its log, hands out its commands. At most
 * one rollout of a group is active (I12).
 */
export class Rollouts {
  readonly #active = new Map<string, Active>();
  readonly #ended = new Map<string, RolloutSummary>();
  readonly #byGroup = new Map<string, string>();
  readonly #roster: Roster;
  /** Until then nobody counts as unreachable: after our own downtime agents need time to come back (I10). */
  readonly #reconnectUntil: Instant;

  constructor(roster: Roster, reconnectUntil: Instant) {
    this.#roster = roster;
    this.#reconnectUntil = reconnectUntil;
  }

  /** Puts back what was stored. `logs` are those of the rollouts that are not ended. */
  load(summaries: Iterable<RolloutSummary>, logs: ReadonlyMap<string, readonly RolloutLog[]>): void {
    for (const summary of summaries) {
      const rollout = foldLogs(logs.get(summary.id) ?? []);
      if (TERMINAL.has(summary.state) || rollout === null) this.#ended.set(summary.id, summary);
      else this.#freeCarried(this.#activate(rollout));
    }
  }

  /** Carried agents that got on while nobody told the rollout: their ledger is the truth. */
  #freeCarried({ rollout, noted }: Active): void {
    for (const agent of rollout.carried) {
      const ledger = this.#roster.get(agent)?.agent.ledger;
      if (ledger != null && ledger.source.kind === 'rollout' && IN_FLIGHT.has(ledger.phase)) continue;
      noted.push({ agent, state: 'skipped', reason: 'left-group', message: '' });
    }
  }

  /** Newest first. */
  list(): RolloutSummary[] {
    const active = [...this.#active.values()].map(({ rollout }) => summaryOf(rollout));
    return [...active, ...this.#ended.values()].sort((a, b) => b.createdAt - a.createdAt);
  }

  *running(): IterableIterator<Rollout> {
    for (const { rollout } of this.#active.values()) yield rollout;
  }

  summary(id: string): RolloutSummary | undefined {
    const active = this.#active.get(id);
    return active === undefined ? this.#ended.get(id) : summaryOf(active.rollout);
  }

  /** The active rollout with that id. */
  active(id: string): Rollout | undefined {
    return this.#active.get(id)?.rollout;
  }

  activeOf(group: string): Rollout | undefined {
    const id = this.#byGroup.get(group);
    return id === undefined ? undefined : this.#active.get(id)?.rollout;
  }

  pending(id: string): ReadonlySet<AgentId> {
    return this.#active.get(id)?.pending ?? new Set();
  }

  /** @throws FleetError `rollout-active` when the group has one and `supersede` was not asked for. */
  checkFree(group: string, supersede: boolean): void {
    const running = this.activeOf(group);
    if (running === undefined || supersede) return;
    throw new FleetError(
      'rollout-active',
      `group ${group} has rollout ${running.id} (${running.state}) to ${running.target.configuration}@${running.target.revision}; wait for it, or take over from it with --supersede`,
    );
  }

  /** Starts a rollout over the group's members; O(1) rows are written (principle 6). */
  start(request: Omit<RolloutRequest, 'supersedes'>, now: Instant): Ordered[] {
    const before = this.activeOf(request.group);
    const members = [...this.#roster.inGroup(request.group)].map(({ agent }) => agent);
    const header = planRollout({ ...request, supersedes: before?.id ?? null }, members);
    const ordered = before === undefined ? [] : this.#apply(before.id, { type: 'superseded', by: request.id }, now);
    const first = { type: 'started', header } as const;
    const { rollout, commands } = step(null, first, now);
    this.#activate(rollout).unwritten.push({ event: first, at: now });
    return [...ordered, ...commands.map((command) => ({ rollout, command }))];
  }

  /** Says how a target got on; folded in with the next `advance`. Whoever carries the agent over hears it as well. */
  note(rollout: string, observation: Observation): void {
    for (const [id, active] of this.#active) {
      if (id === rollout || active.rollout.carried.has(observation.agent)) active.noted.push(observation);
    }
  }

  /** A member came into the group, came back, or was given back: it may be admitted. */
  join(member: Member): void {
    const group = member.agent.identity.group?.name;
    const active = group === undefined ? undefined : this.#active.get(this.#byGroup.get(group) ?? '');
    if (active === undefined) return;
    const id = member.agent.identity.id;
    const target = active.rollout.targets.get(id);
    if (target !== undefined && target.state !== 'deferred' && target.state !== 'skipped') return;
    if (skipReason(member.agent, active.rollout.target) === undefined) active.pending.add(id);
  }

  leave(group: string, agent: AgentId): void {
    this.#active.get(this.#byGroup.get(group) ?? '')?.pending.delete(agent);
  }

  /** Folds what was noted, admits as many as may be, ends what is done. Returns what has to be carried out. */
  advance(now: Instant): Ordered[] {
    const ordered: Ordered[] = [];
    for (const [id, active] of this.#active) {
      const changes = active.noted.splice(0);
      if (changes.length > 0) ordered.push(...this.#apply(id, { type: 'observed', changes }, now));
      for (const { agent } of changes) {
        if (active.rollout.targets.get(agent)?.state === 'deferred') active.pending.add(agent);
      }
      ordered.push(...this.#admit(active, now));
      ordered.push(...this.#finish(active, now));
    }
    return ordered;
  }

  /** The rows of what was folded since the last call; ended rollouts leave memory. */
  takeChanges(): Change[] {
    const changes: Change[] = [];
    for (const [id, active] of this.#active) {
      const { rollout } = active;
      const logged = active.unwritten.splice(0);
      const first = logged[0];
      if (first !== undefined) {
        const version = rollout.version - logged.length + 1;
        for (const [offset, { event, at }] of logged.entries()) {
          changes.push({
            kind: 'rollout-log',
            row: { rollout: id, version: version + offset, at, events: [event] },
          });
        }
        changes.push({ kind: 'rollout', row: summaryOf(rollout) });
      }
      if (TERMINAL.has(rollout.state)) this.#retire(rollout);
    }
    return changes;
  }

  #admit(active: Active, now: Instant): Ordered[] {
    const { rollout } = active;
    const slots = freeSlots(rollout);
    if (slots === 0 && rollout.carried.size === 0) return [];
    const agents: { agent: AgentId; late: boolean }[] = [];
    let used = 0;
    for (const id of active.pending) {
      const member = this.#roster.get(id);
      const replaces = rollout.carried.has(id);
      if (used >= slots && !replaces) {
        if (rollout.carried.size === 0) break;
        continue;
      }
      const out = !mayBeAdmitted(rollout, id);
      if (out || member === undefined || skipReason(member.agent, rollout.target) !== undefined) {
        active.pending.delete(id);
        continue;
      }
      if (rollout.state !== 'running' || !member.presence.connected || !member.presence.synced) continue;
      agents.push({ agent: id, late: isLate(member.agent, rollout.createdAt) });
      active.pending.delete(id);
      if (!replaces) used += 1;
    }
    return agents.length === 0 ? [] : this.#apply(rollout.id, { type: 'admitted', agents }, now);
  }

  #finish(active: Active, now: Instant): Ordered[] {
    const { rollout } = active;
    if (rollout.state !== 'running' || inFlight(rollout) > 0) return [];
    const awaited = [...active.pending].some((id) => this.#isAwaited(id, now));
    if (awaited) return [];
    const waits = rollout.counts.proven === 0 && rollout.counts.failed === 0 && rollout.planned > 0;
    if (waits && active.pending.size > 0) return [];
    return this.#apply(rollout.id, { type: 'exhausted', deferred: [...active.pending] }, now);
  }

  /** There, or not yet back since our own start (I10). */
  #isAwaited(id: AgentId, now: Instant): boolean {
    const presence = this.#roster.get(id)?.presence;
    if (presence === undefined) return false;
    return presence.connected || (presence.lastSeen === null && now < this.#reconnectUntil);
  }

  #apply(id: string, event: RolloutEvent, now: Instant): Ordered[] {
    const active = this.#active.get(id);
    if (active === undefined) return [];
    const { rollout, commands } = step(active.rollout, event, now);
    active.rollout = rollout;
    active.unwritten.push({ event, at: now });
    if (TERMINAL.has(rollout.state) && this.#byGroup.get(rollout.group) === id) this.#byGroup.delete(rollout.group);
    return commands.map((command) => ({ rollout, command }));
  }

  #activate(rollout: Rollout): Active {
    const waiting = [...this.#roster.inGroup(rollout.group)].filter(({ agent }) => {
      const target = rollout.targets.get(agent.identity.id);
      return (target === undefined || target.state === 'deferred') && skipReason(agent, rollout.target) === undefined;
    });
    const ranked = waiting.map(({ agent }) => ({
      id: agent.identity.id,
      rank: rank(rollout.id, agent.identity.id),
    }));
    ranked.sort((a, b) => (a.rank < b.rank ? -1 : 1));
    const active: Active = {
      rollout,
      unwritten: [],
      noted: [],
      pending: new Set(ranked.map(({ id }) => id)),
    };
    this.#active.set(rollout.id, active);
    this.#byGroup.set(rollout.group, rollout.id);
    return active;
  }

  #retire(rollout: Rollout): void {
    this.#active.delete(rollout.id);
    this.#ended.set(rollout.id, summaryOf(rollout));
    if (this.#byGroup.get(rollout.group) === rollout.id) this.#byGroup.delete(rollout.group);
  }
}

/** The rollout that a log tells of (I15). */
export function foldLogs(logs: readonly RolloutLog[]): Rollout | null {
  return fold(logs.flatMap(({ at, events }) => events.map((event) => ({ event, at }))));
}
