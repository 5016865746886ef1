/**
 * The loop that makes what agents run agree with what they should run. It works in turns: whatever was touched since
 * the last one is looked at, everything that follows from it is decided, one commit makes it durable, and only then
 * answers and offers leave (I3, S-051). Level-triggered: a turn over the same facts decides the same.
 */
import {
  type AgentId,
  assign,
  can,
  decideOffer,
  extendDeadline,
  IN_FLIGHT,
  type Instant,
  LIMITS,
  lacksNews,
  markSent,
  unassign,
} from '@flaghoist/fleet';
import { changesOf } from '../agents/changes.ts';
import type { Member, Roster } from '../agents/roster.ts';
import type { Now } from '../clock.ts';
import type { EffectiveConfigs } from '../effective/effective-configs.ts';
import { type Journal, SERVER } from '../events/journal.ts';
import type { EventKind, JournalEvent } from '../events/journal-event.ts';
import type { Groups } from '../groups/groups.ts';
import { SERVER_LIMITS } from '../limits.ts';
import type { Ordered, Rollouts } from '../rollouts/rollouts.ts';
import { type Change, type Store, StoreError } from '../storage/store.ts';
import type { AgentPlane, Dispatch } from './agent-plane.ts';
import type { Announcer } from './announcer.ts';
import { CatchUpLanes } from './catch-up-lanes.ts';
import { observation, regroup, settle } from './settle.ts';

export interface Parts {
  readonly store: Store;
  readonly roster: Roster;
  readonly groups: Groups;
  readonly rollouts: Rollouts;
  readonly effective: EffectiveConfigs;
  readonly journal: Journal;
  readonly announcer: Announcer;
  readonly now: Now;
  /** A commit failed: memory is ahead of the store, nothing more may be promised. */
  readonly onFatal: (error: unknown) => void;
}

/** Rounds of "a decision touches agents, which leads to decisions" within one turn; what is left waits for the next. */
const MOST_ROUNDS = 8;

export class Reconciler {
  readonly #parts: Parts;
  readonly #plane: AgentPlane;
  /** Agents for whom something may change by time alone: a ledger in flight, a pin that expires. */
  readonly #open = new Set<AgentId>();
  readonly #lanes: CatchUpLanes;
  #extra: Change[] = [];
  #timer: NodeJS.Timeout | undefined;
  #ticker: NodeJS.Timeout | undefined;
  #stopped = false;
  #lastCommit: Promise<void> = Promise.resolve();

  constructor(parts: Parts, plane: AgentPlane) {
    this.#parts = parts;
    this.#plane = plane;
    this.#lanes = new CatchUpLanes(parts, (group, stable, failed) =>
      this.record('catch-up.stopped', SERVER, `group/${group}`, { stable, failed }),
    );
    parts.roster.onTouched = () => this.#schedule();
    parts.effective.onVerdict = (agent) => parts.roster.touch(agent);
    for (const { agent } of parts.roster.all()) this.#watch(agent.identity.id);
  }

  start(): void {
    this.#ticker = setInterval(() => this.#tick(), SERVER_LIMITS.tick);
  }

  /** Deadlines move by the time that we were away (I10). Called once, before agents are let in. */
  extendDeadlines(now: Instant): void {
    const { roster } = this.#parts;
    for (const member of roster.all()) {
      const { agent } = member;
      if (agent.ledger === null || !IN_FLIGHT.has(agent.ledger.phase)) continue;
      const ledger = extendDeadline(agent.ledger, now, SERVER_LIMITS.reconnectGrace, LIMITS.outageExtensions);
      if (ledger !== agent.ledger) roster.update(member, { ...agent, ledger });
    }
  }

  /** Records an event that belongs to the next commit. */
  record(kind: EventKind, author: string, subject: string, data: JournalEvent['data']): void {
    this.#extra.push({
      kind: 'event',
      row: this.#parts.journal.record(kind, author, subject, data, this.#parts.now()),
    });
    this.#schedule();
  }

  write(changes: readonly Change[]): void {
    if (changes.length === 0) return;
    this.#extra.push(...changes);
    this.#schedule();
  }

  /** Carries out what the rollouts ordered at `now`: one reading of the clock per decision keeps its times in order. */
  carryOut(ordered: readonly Ordered[], now: Instant, author: string = SERVER): void {
    for (const { rollout, command } of ordered) {
      switch (command.type) {
        case 'assign':
          for (const id of command.agents) this.#assignTarget(id, rollout.id, now);
          break;
        case 'make-stable':
          this.write(this.#parts.groups.makeStable(rollout.group, rollout.target));
          this.#touchGroup(rollout.group);
          break;
        case 'announce':
          this.record(`rollout.${command.kind}`, author, `rollout/${rollout.id}`, {
            group: rollout.group,
            target: rollout.target,
            state: rollout.state,
            counts: rollout.counts,
            planned: rollout.planned,
            message: rollout.pause?.message ?? rollout.message,
          });
          break;
      }
    }
  }

  #touchGroup(name: string): void {
    for (const { agent } of this.#parts.roster.inGroup(name)) this.#parts.roster.touch(agent.identity.id);
  }

  /** Runs a turn now and resolves when everything decided until now is durable. */
  async flush(): Promise<void> {
    if (this.#stopped) throw new StoreError('unavailable', 'the server is stopping; nothing is stored any more');
    this.turn();
    await this.#lastCommit;
  }

  /** Called by the agent plane after each message: in a burst no timer would fire. */
  afterMessage(): void {
    if (this.#parts.roster.touchedCount >= SERVER_LIMITS.turnSize) this.turn();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    clearInterval(this.#ticker);
  }

  turn(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#stopped) return;
    const { roster, rollouts, announcer, journal, store } = this.#parts;
    const now = this.#parts.now();
    const seen = new Set<Member>();
    this.#lanes.begin();
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      const touched = roster.takeTouched();
      for (const member of touched) {
        seen.add(member);
        this.#settle(member, now);
      }
      this.carryOut(rollouts.advance(now), now);
      for (const member of touched) this.#lanes.admit(member, now);
      if (roster.touchedCount === 0) break;
    }
    const offers = this.#offers(seen, now);
    if (offers.size > 0) this.carryOut(rollouts.advance(now), now);
    const changes: Change[] = [];
    for (const member of seen) {
      changes.push(...changesOf(member));
      announcer.note(member);
      this.#watch(member.agent.identity.id);
    }
    changes.push(...rollouts.takeChanges(), ...this.#extra.splice(0));
    const release = this.#plane.hold(offers);
    if (changes.length === 0) {
      release();
      return;
    }
    this.#lastCommit = store.commit(changes).then(() => {
      journal.publish(changes);
      for (const id of release()) this.#wasNotSent(id);
    });
    this.#lastCommit.catch((error: unknown) => {
      this.stop();
      this.#parts.onFatal(error);
    });
  }

  /** The record says sent, but the connection was gone: no epoch has it, so the pull law asks before it sends again. */
  #wasNotSent(id: AgentId): void {
    const member = this.#parts.roster.get(id);
    if (member?.agent.ledger?.phase !== 'sent') return;
    const ledger = { ...member.agent.ledger, sentEpoch: null };
    this.#parts.roster.update(member, { ...member.agent, ledger });
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#timer ??= setTimeout(() => this.turn(), SERVER_LIMITS.turnGap);
  }

  /** Time passes: looks again at whoever waits for a deadline, for proof or for an answer. */
  #tick(): void {
    const { roster } = this.#parts;
    const now = this.#parts.now();
    for (const id of this.#open) {
      const member = roster.get(id);
      if (member === undefined) this.#open.delete(id);
      else if (this.#isDue(member, now)) roster.touch(id);
    }
    this.#lanes.wake();
  }

  #isDue({ agent, presence }: Member, now: Instant): boolean {
    const { ledger, identity } = agent;
    if (identity.pin?.expires != null && identity.pin.expires <= now) return true;
    if (ledger === null) return false;
    if (ledger.phase === 'verifying' || (ledger.deadline !== null && ledger.deadline <= now)) return true;
    if (lacksNews(agent, presence, now)) return true;
    return ledger.phase === 'offered' && now - ledger.offeredAt >= SERVER_LIMITS.deliveryTimeout;
  }

  #watch(id: AgentId): void {
    const agent = this.#parts.roster.get(id)?.agent;
    const inFlight = agent?.ledger != null && IN_FLIGHT.has(agent.ledger.phase);
    if (inFlight || agent?.identity.pin?.expires != null) this.#open.add(id);
    else this.#open.delete(id);
  }

  /** Group, pin and ledger of one agent, as they are now. */
  #settle(member: Member, now: Instant): void {
    const { roster, groups, rollouts, effective } = this.#parts;
    const before = member.agent;
    this.#expirePin(member, now);
    const grouped = regroup(member.agent, groups.groupOf, now);
    const oldGroup = before.identity.group?.name;
    if (grouped !== member.agent && oldGroup !== undefined) {
      rollouts.leave(oldGroup, before.identity.id);
      this.dropTarget(before, 'left-group');
    }
    // What an agent sends of an effective config without reporting it is of its first moments, and never renewed.
    const verdict = can(grouped.identity, 'ReportsEffectiveConfig') ? effective.verdict(grouped) : undefined;
    const settled = settle(grouped, member.presence, verdict, now);
    roster.update(member, settled);
    this.#note(member);
    if (member.presence.connected) rollouts.join(member);
    this.#deferUndelivered(member, now);
    if (member.presence.connected && lacksNews(member.agent, member.presence, now)) {
      this.#plane.askFullState(before.identity.id);
    }
  }

  /** Tells the agent's rollout how its target got on. */
  #note(member: Member): void {
    const { ledger, identity } = member.agent;
    const news = observation(identity.id, member.noted, ledger);
    member.noted = ledger;
    if (news !== undefined) this.#parts.rollouts.note(news.rollout, news.observation);
  }

  /**
   * Tells a rollout that one of its targets is out of its hands: nothing lost when it was never sent, a failure that
   * counts when it may hold the revision without proof (A.4, I4).
   */
  dropTarget({ identity, ledger }: Member['agent'], reason: 'left-group' | 'pinned' | 'no-remote-config'): void {
    if (ledger === null || ledger.source.kind !== 'rollout') return;
    const about = { agent: identity.id, reason };
    const exposed = ledger.sentAt !== null && IN_FLIGHT.has(ledger.phase);
    const observed = exposed
      ? ({
          ...about,
          state: 'failed',
          reason: 'lost-contact',
          message: `${reason} while it held the revision without proof`,
        } as const)
      : ({ ...about, state: 'skipped', message: '' } as const);
    this.#parts.rollouts.note(ledger.source.rollout, observed);
  }

  #expirePin(member: Member, now: Instant): void {
    const { pin, id } = member.agent.identity;
    if (pin === null || pin.expires === null || pin.expires > now) return;
    this.#parts.roster.update(member, unassign({ ...member.agent, identity: { ...member.agent.identity, pin: null } }));
    this.record('agent.unpinned', SERVER, `agent/${id}`, { reason: 'expired' });
  }

  /** Assigned, but not sent in time: not exposed, so it costs nothing and may come again (A.4, DEFERRED). */
  #deferUndelivered(member: Member, now: Instant): void {
    const { ledger, identity } = member.agent;
    if (ledger?.phase !== 'offered' || ledger.sentAt !== null) return;
    if (ledger.source.kind !== 'rollout' && ledger.source.kind !== 'catch-up') return;
    const deaf = !can(identity, 'AcceptsRemoteConfig');
    const patience = member.presence.transport === 'http' ? SERVER_LIMITS.httpPatience : SERVER_LIMITS.deliveryTimeout;
    if (!deaf && now - ledger.offeredAt < patience) return;
    if (deaf) this.dropTarget(member.agent, 'no-remote-config');
    else if (ledger.source.kind === 'rollout') {
      const deferred = { agent: identity.id, state: 'deferred', reason: 'offline', message: '' } as const;
      this.#parts.rollouts.note(ledger.source.rollout, deferred);
    }
    this.#parts.roster.update(member, unassign(member.agent));
  }

  #assignTarget(id: AgentId, rolloutId: string, now: Instant): void {
    const { roster, rollouts } = this.#parts;
    const member = roster.get(id);
    const rollout = rollouts.active(rolloutId);
    if (member === undefined || rollout === undefined) return;
    const source = { kind: 'rollout', rollout: rolloutId } as const;
    roster.update(member, assign(member.agent, rollout.target, source, rollout.strategy.terms, now));
  }

  /** Whom the pull law gives an offer now; each is marked as sent in the very commit that comes first (I3). */
  #offers(seen: ReadonlySet<Member>, now: Instant): Map<AgentId, Dispatch> {
    const { roster } = this.#parts;
    const offers = new Map<AgentId, Dispatch>();
    for (const member of seen) {
      const { agent, presence } = member;
      const { id } = agent.identity;
      const decision = decideOffer(agent, presence, now);
      if (!decision.offer) {
        if (decision.askFullState) this.#plane.askFullState(id);
        continue;
      }
      const { ledger } = agent;
      const { epoch } = presence;
      if (ledger === null || epoch === null || !this.#plane.ready(id, ledger.revision.hash)) continue;
      const way = offers.size < SERVER_LIMITS.offersPerTurn ? this.#plane.canSend(id) : 'later';
      if (way === 'later') roster.touch(id);
      if (way !== 'now') continue;
      const sent = { ...agent, ledger: markSent(ledger, epoch, now) };
      member.agent = sent;
      this.#note(member);
      offers.set(id, { hash: ledger.revision.hash, epoch });
    }
    return offers;
  }
}
