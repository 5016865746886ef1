/**
 * The shell of the alerts: looks on at what the engine decided, and tells and stores what follows from it. It is asked some
 * times a second, not in the turns, which only note whom they looked at.
 */
import * as fleet from '@flaghoist/fleet';
import type { Member, Roster } from '../agents/roster.ts';
import { type Machine, randomId } from '../clock.ts';
import type { Journal } from '../events/journal.ts';
import type { JournalEvent } from '../events/journal-event.ts';
import type { Groups } from '../groups/groups.ts';
import { SERVER_LIMITS, STORE_LIMITS } from '../limits.ts';
import type { Rollouts } from '../rollouts/rollouts.ts';
import { alertData } from './alert-data.ts';
import { factsOf, lostFrom, newMatter, type Open } from './matter.ts';

interface Parts {
  readonly roster: Roster;
  readonly groups: Groups;
  readonly rollouts: Rollouts;
  readonly journal: Journal;
  readonly machine: Pick<Machine, 'randomBytes'>;
}

export class Alerts {
  readonly #parts: Parts;
  readonly #startedAt: fleet.Instant;
  /** By `alertKey`. */
  readonly #open = new Map<string, Open>();
  readonly #resolved: fleet.Alert[] = [];
  /** The matter that each agent stands in; the conflicts beside it, until they are no news any more. */
  readonly #caseOf = new Map<fleet.AgentId, string>();
  readonly #conflicts = new Map<fleet.AgentId, { readonly key: string; readonly until: fleet.Instant }>();
  /** Agents looked at since the last `tell`, with what was wrong with them when they were. */
  readonly #touched = new Map<Member, fleet.Complaint | null>();
  readonly #away = new Set<Member>();
  /** Away since before our start: whether they are lost is not known yet. */
  readonly #unsure = new Set<Member>();
  readonly #touchedRollouts = new Set<string>();
  readonly #touchedLanes = new Set<string>();
  /** The newest rollout of each group. */
  readonly #latest = new Map<string, string>();
  #sweptAt: fleet.Instant;

  constructor(parts: Parts, stored: readonly fleet.Alert[], startedAt: fleet.Instant) {
    this.#parts = parts;
    this.#startedAt = startedAt;
    this.#sweptAt = startedAt;
    for (const alert of stored) {
      if (alert.resolvedAt === null) this.#restore(alert);
      else this.#resolved.push(alert);
    }
    for (const member of parts.roster.all()) this.#adopt(member);
    const rollouts = parts.rollouts.all().sort((a, b) => a.createdAt - b.createdAt);
    for (const { id, group } of rollouts) {
      this.#latest.set(group, id);
      this.#touchedRollouts.add(id);
    }
    for (const { name } of parts.groups.list()) this.#touchedLanes.add(name);
    parts.journal.on('told', (events) => events.forEach((event) => this.#hear(event)));
  }

  /** Active ones as they stand now, and the last resolved ones. */
  all(): fleet.Alert[] {
    const active = Array.from(this.#open.values(), (open) => open.told && { ...open.told, ...factsOf(open) });
    return [...active.filter((alert) => alert !== null), ...this.#resolved];
  }

  get activeCount(): number {
    return this.#open.values().reduce((count, { told }) => count + (told === null ? 0 : 1), 0);
  }

  /** The agents that an active alert is about. */
  agentsOf(id: string): ReadonlySet<fleet.AgentId> | undefined {
    return this.#open
      .values()
      .find(({ told }) => told?.id === id)
      ?.tally.agents();
  }

  /** Notes how an agent stands, before what follows from that: a rollback may give it another revision at once. */
  observe(member: Member): void {
    const verdict = fleet.complaintOf(member.agent, member.presence);
    this.#touched.set(member, typeof verdict === 'object' ? verdict : (this.#touched.get(member) ?? null));
  }

  /** Tells what is news since the last call. */
  tell(now: fleet.Instant): void {
    if (now - this.#sweptAt >= SERVER_LIMITS.alertSweep) this.#sweep(now);
    for (const [member, complaint] of this.#touched) this.#judge(member, complaint, now);
    this.#touched.clear();
    for (const id of this.#touchedRollouts) this.#judgeRollout(id, now);
    this.#touchedRollouts.clear();
    for (const group of this.#touchedLanes) this.#judgeLane(group);
    this.#touchedLanes.clear();
    for (const [key, open] of this.#open) this.#tellOf(key, open, now);
  }

  /** Takes up what was stored, with the agents that no record of theirs tells of any more. */
  #restore(alert: fleet.Alert): void {
    const key = fleet.alertKey(alert);
    const open = newMatter(alert, alert);
    const { tally } = open;
    this.#open.set(key, open);
    for (const agent of alert.held) {
      if (this.#parts.roster.get(agent) === undefined) tally.remove(agent);
      else if (alert.kind === 'agent-conflict')
        this.#conflicts.set(agent, { key, until: alert.updatedAt + fleet.LIMITS.conflictFor });
      else this.#caseOf.set(agent, key);
    }
  }

  /** After a start: what an agent's record says may be counted already. */
  #adopt(member: Member): void {
    this.observe(member);
    const complaint = this.#touched.get(member);
    const key = complaint && fleet.alertKey(complaint);
    const open = key == null ? undefined : this.#open.get(key);
    if (key == null || !open?.told) return;
    open.tally.adopt(member.agent.identity.id);
    this.#caseOf.set(member.agent.identity.id, key);
  }

  /** What the engine recorded, once it is durable. */
  #hear({ kind, subject, data, at }: JournalEvent): void {
    const [, name = ''] = /^\w+\/(.*)$/.exec(subject) ?? [];
    if (kind === 'catch-up.stopped') this.#touchedLanes.add(name);
    if (kind === 'agent.conflict') this.#conflict(name, String(data['instanceUid']), at);
    if (!kind.startsWith('rollout.')) return;
    const group = String(data['group']);
    if (kind === 'rollout.started') {
      const before = this.#latest.get(group);
      if (before !== undefined) this.#touchedRollouts.add(before);
      this.#latest.set(group, name);
    }
    this.#touchedRollouts.add(name);
  }

  /** What only time changes. */
  #sweep(now: fleet.Instant): void {
    this.#sweptAt = now;
    for (const member of this.#away) {
      const { id } = member.agent.identity;
      // As after a start, where all are away.
      if (member.presence.disconnectedAt === null && !this.#caseOf.has(id) && !this.#unsure.has(member)) continue;
      const isHeld = this.#kindOf(id) === 'agents-lost';
      if (this.#unsure.has(member) || this.#isLost(member, isHeld, now) !== isHeld)
        this.#touched.set(member, this.#touched.get(member) ?? null);
    }
    this.#unsure.clear();
    for (const [agent, { key, until }] of this.#conflicts) {
      if (until > now) continue;
      this.#conflicts.delete(agent);
      this.#open.get(key)?.tally.remove(agent);
    }
    for (const { kind, rollout, group } of this.#open.values()) {
      if (kind !== 'rollout-paused' && kind !== 'rollout-rolled-back') continue;
      if (rollout !== null) this.#touchedRollouts.add(rollout);
      else if (group !== null) this.#touchedLanes.add(group);
    }
  }

  #judge(member: Member, noted: fleet.Complaint | null, now: fleet.Instant): void {
    const { agent, presence, gone } = member;
    const { id } = agent.identity;
    if (gone || presence.connected) this.#away.delete(member);
    else this.#away.add(member);
    const verdict = fleet.complaintOf(agent, presence);
    for (const complaint of [noted, verdict])
      if (complaint !== null && typeof complaint === 'object' && this.#isKnown(member, complaint, now))
        this.#blame(member, complaint);
    if (gone) this.#forget(id);
    if (gone || typeof verdict === 'object') return;
    const isHeld = this.#kindOf(id) === 'agents-lost';
    if (this.#isLost(member, isHeld, now)) {
      if (!isHeld && verdict === 'well') this.#blame(member, lostFrom(agent));
    } else if (verdict === 'well' || isHeld) this.#close(id);
  }

  /** Who was lost before our start (`isHeld`) and is not back has not been seen to go. */
  #isLost({ agent, presence }: Member, isHeld: boolean, now: fleet.Instant): boolean {
    const since = presence.disconnectedAt ?? (isHeld ? this.#startedAt - fleet.LIMITS.lostAfter : null);
    return fleet.isLost(agent, presence, now, since);
  }

  /** Nobody is lost whom we have only not heard of yet since our start (I10). */
  #isKnown(member: Member, { kind }: fleet.Complaint, now: fleet.Instant): boolean {
    if (kind !== 'agents-lost' || member.presence.lastSeen !== null) return true;
    if (this.#kindOf(member.agent.identity.id) === kind) return true;
    if (now >= this.#startedAt + SERVER_LIMITS.reconnectGrace) return true;
    this.#unsure.add(member);
    return false;
  }

  #kindOf(agent: fleet.AgentId): fleet.AlertKind | undefined {
    return this.#open.get(this.#caseOf.get(agent) ?? '')?.kind;
  }

  #blame(member: Member, complaint: fleet.Complaint): void {
    const { identity } = member.agent;
    const key = fleet.alertKey(complaint);
    if (this.#caseOf.get(identity.id) !== key) this.#close(identity.id);
    this.#caseOf.set(identity.id, key);
    this.#matter(complaint).tally.add(identity.id, fleet.nameOf(identity), complaint);
  }

  #close(agent: fleet.AgentId): void {
    this.#open.get(this.#caseOf.get(agent) ?? '')?.tally.remove(agent);
    this.#caseOf.delete(agent);
  }

  #forget(agent: fleet.AgentId): void {
    this.#close(agent);
    this.#open.get(this.#conflicts.get(agent)?.key ?? '')?.tally.remove(agent);
    this.#conflicts.delete(agent);
  }

  #conflict(agent: fleet.AgentId, instanceUid: string, at: fleet.Instant): void {
    const identity = this.#parts.roster.get(agent)?.agent.identity;
    if (identity === undefined) return;
    const message = `two agents use the instance UID ${instanceUid}`;
    const subject = { kind: 'agent-conflict', rollout: null, group: identity.group?.name ?? null } as const;
    const complaint = { ...subject, revision: null, reason: 'identity-conflict', message };
    this.#conflicts.set(agent, { key: fleet.alertKey(subject), until: at + fleet.LIMITS.conflictFor });
    this.#matter(subject).tally.add(agent, fleet.nameOf(identity), complaint);
  }

  #judgeRollout(id: string, now: fleet.Instant): void {
    const { rollouts, groups } = this.#parts;
    const rollout = rollouts.find(id);
    const isLatest = rollout && this.#latest.get(rollout.group) === id && groups.find(rollout.group) !== undefined;
    const complaint = rollout && fleet.rolloutComplaint(rollout, isLatest === true, now);
    for (const kind of ['rollout-paused', 'rollout-rolled-back'] as const) {
      const open = this.#open.get(fleet.alertKey({ kind, rollout: id, group: null }));
      if (open !== undefined) open.complaint = null;
    }
    if (complaint !== undefined) this.#matter(complaint).complaint = complaint;
  }

  /** The catch-up lane of a group: it stands still, or not any more. */
  #judgeLane(name: string): void {
    const subject = { kind: 'rollout-paused', rollout: null, group: name } as const;
    const agents = Array.from(this.#parts.roster.inGroup(name), ({ agent }) => agent);
    const revision = this.#parts.groups.find(name)?.stable ?? null;
    const { stopped, failed } = revision === null ? {} : fleet.lane(agents, agents.length, revision);
    const message = `the catch-up lane stopped: ${failed} agents failed on the stable revision`;
    if (stopped) this.#matter(subject).complaint = { ...subject, revision, reason: 'catch-up', message };
    else {
      const open = this.#open.get(fleet.alertKey(subject));
      if (open !== undefined) open.complaint = null;
    }
  }

  #matter(subject: fleet.AlertSubject): Open {
    const key = fleet.alertKey(subject);
    const open = this.#open.get(key) ?? newMatter(subject);
    this.#open.set(key, open);
    return open;
  }

  /**
   * Who fails next in the same rollout belongs to the same alert, also when all before have recovered; and while nobody has
   * gone on from one that was taken back, what its agents said stands beside that.
   */
  #isUnsettled(rollout: string | null): boolean {
    if (rollout === null) return false;
    const takenBack = this.#open.get(fleet.alertKey({ kind: 'rollout-rolled-back', rollout, group: null }));
    return this.#parts.rollouts.active(rollout) !== undefined || Boolean(takenBack?.complaint);
  }

  #tellOf(key: string, open: Open, now: fleet.Instant): void {
    const { kind, rollout, group, told, tally } = open;
    const facts = factsOf(open);
    const goesOn = facts.count > 0 && (told === null || this.#isUnsettled(rollout));
    const isThere = open.complaint !== null || facts.remaining > 0 || goesOn;
    open.goneSince = isThere ? null : (open.goneSince ?? now);
    const news = fleet.newsOf({ told, facts, goneSince: open.goneSince }, now);
    if (!isThere && told === null) this.#open.delete(key);
    if (news === undefined) return;
    const isOver = news === 'resolved';
    const alert: fleet.Alert = {
      id: told?.id ?? randomId('n', this.#parts.machine),
      kind,
      rollout,
      group,
      ...facts,
      raisedAt: told?.raisedAt ?? now,
      updatedAt: now,
      resolvedAt: isOver ? now : null,
      held: isOver ? [] : tally.held(),
    };
    const { journal } = this.#parts;
    open.told = alert;
    journal.write({ kind: 'alert', row: alert });
    journal.record(`alert.${news}`, `alert/${alert.id}`, alertData(alert));
    if (!isOver) return;
    this.#open.delete(key);
    this.#resolved.push(alert);
    if (this.#resolved.length > STORE_LIMITS.alertsKept) this.#resolved.shift();
  }
}
