/**
 * The loop that makes what agents run agree with what they should run. It works in turns: whatever was touched since
 * the last one is looked at, everything that follows from it is decided, one commit makes it durable, and only then
 * answers and offers leave (I3, S-051). Level-triggered: a turn over the same facts decides the same.
 */
import * as fleet from '@flaghoist/fleet';
import { changesOf, type Member } from '../agents/roster.ts';
import { around } from '../failpoints.ts';
import type { Dispatch, Gateway } from '../gateway/gateway.ts';
import { SERVER_LIMITS } from '../limits.ts';
import type { Memory } from '../memory.ts';
import { StoreError } from '../storage/store.ts';
import { announcer } from './announcer.ts';
import { catchUpLanes } from './catch-up-lanes.ts';

export class Reconciler {
  readonly #memory: Memory;
  readonly #gateway: Gateway;
  readonly announcer: ReturnType<typeof announcer>;
  readonly #lanes: ReturnType<typeof catchUpLanes>;
  /** A commit failed: memory is ahead of the store, nothing more may be promised. */
  readonly #onFatal: (error: unknown) => void;
  /** Agents for whom something may change by time alone: a ledger in flight, a pin that expires. */
  readonly #open = new Set<Member>();
  /** Agents whose offer waits for room in a turn, for a busy connection, or for its texts. */
  readonly #waiting = new Set<Member>();
  /** Who was sent an offer of late and has said nothing since: when. */
  readonly #unheard = new Map<Member, fleet.Instant>();
  /** Agents that the last turn had no room for. */
  #leftOver = 0;
  /** Calls the next turn off. */
  #timer: (() => void) | undefined;
  /** When time was last looked at: each tick does. */
  #lastLook: fleet.Instant;
  #stopped = false;
  #lastCommit: Promise<void> = Promise.resolve();

  constructor(memory: Memory, gateway: Gateway, onFatal: (error: unknown) => void) {
    this.#memory = memory;
    this.#gateway = gateway;
    this.#onFatal = onFatal;
    this.#lastLook = memory.startedAt;
    this.announcer = announcer(memory);
    this.#lanes = catchUpLanes(memory);
    memory.roster.onTouched = () => this.#schedule();
    memory.journal.onWritten = () => this.#schedule();
    // In a burst of messages no timer would fire. What earlier turns have left over waits for one all the same: a turn
    // at each message of the burst would hold the loop until all of it is done.
    gateway.onMessage = (from) => {
      this.#unheard.delete(from);
      if (memory.roster.touchedCount - this.#leftOver >= SERVER_LIMITS.turnSize) this.turn();
    };
  }

  /** Takes up what was stored, once, before agents are let in. */
  start(): void {
    const { roster, startedAt } = this.#memory;
    for (const member of roster.all()) this.#watch(member);
    this.#excuse(startedAt, 0);
  }

  /** Deadlines and proofs move by the time that we were away: nobody fails by what we could not hear (I10), or is proven (I11). */
  #excuse(now: fleet.Instant, away: fleet.Millis): void {
    const { roster } = this.#memory;
    for (const member of roster.all()) {
      const { agent } = member;
      if (agent.ledger === null) continue;
      const ledger = fleet.extendDeadline(
        fleet.withoutAbsence(agent.ledger, now, away),
        now,
        SERVER_LIMITS.reconnectGrace,
        fleet.LIMITS.outageExtensions,
      );
      if (ledger !== agent.ledger) roster.update(member, { ...agent, ledger });
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.();
  }

  /** Runs a turn now and resolves when everything decided until now is durable. */
  async flush(): Promise<void> {
    if (this.#stopped) throw new StoreError('unavailable', 'the server is stopping; nothing is stored any more');
    // Else the turn would wait, and what it decides with it.
    if (!this.#memory.store.leads()) await this.#memory.store.lead();
    this.turn();
    await this.#lastCommit;
  }

  /** A process that was stopped, or a machine that was: what was said meanwhile is still to be read. */
  #noticeAbsence(now: fleet.Instant): void {
    const away = now - this.#lastLook;
    if (away >= SERVER_LIMITS.absence) this.#excuse(now, away);
    this.#lastLook = now;
  }

  /** One turn, now; where another server may lead by now, once it is known that none does (R7). */
  turn(): void {
    this.#memory.whenLeading(() => around('turn', () => this.#turn()));
  }

  #turn(): void {
    this.#timer?.();
    this.#timer = undefined;
    if (this.#stopped) return;
    const { roster, rollouts, journal, store } = this.#memory;
    const now = this.#memory.now();
    this.#noticeAbsence(now);
    const seen = new Set<Member>();
    let room: number = SERVER_LIMITS.admissionsPerTurn;
    // A decision touches agents, which leads to decisions; what is too much for this turn waits for the next.
    let most: number = SERVER_LIMITS.turnMost;
    do {
      const touched = roster.takeTouched(most);
      most -= touched.size;
      for (const member of touched) {
        seen.add(member);
        this.#settle(member, now);
      }
      room = rollouts.advance(now, room);
      for (const member of touched) this.#lanes.admit(member, now);
    } while (most > 0 && roster.touchedCount > 0);
    this.#decide(seen, now);
    const offers = this.#offers(now);
    for (const member of offers.keys()) seen.add(member);
    if (offers.size > 0) room = rollouts.advance(now, room);
    if (room === 0) this.#schedule();
    // Who is looked at in the next turn stands in this commit as well: the admitted (I15), and who gets an answer (S-051).
    const left = roster.takeTouched();
    for (const member of left) if (member.agent !== member.committed) seen.add(member);
    const changes = journal.take();
    for (const member of seen) {
      changes.push(...changesOf(member));
      this.announcer.note(member);
      this.#watch(member);
    }
    for (const member of left) roster.touch(member);
    this.#leftOver = left.size;
    const release = this.#gateway.hold(offers);
    const written = Array.from(seen, (member) => ({ member, agent: member.agent }));
    // Without changes of its own a turn still answers for what an earlier commit makes durable.
    const durable = changes.length === 0 ? this.#lastCommit : store.commit(changes);
    // Stopped in between, as by SIGSTOP, another server may lead by now: nothing leaves then.
    const sure = durable.then(() => (store.leads() ? null : store.lead()));
    this.#lastCommit = sure.then(() => {
      for (const { member, agent } of written) member.durable = agent;
      journal.publish(changes);
      for (const [member, { epoch }] of around('release', release)) this.#wasNotSent(member, epoch);
    });
    this.#lastCommit.catch((error: unknown) => {
      if (this.#stopped) return;
      this.stop();
      this.#onFatal(error);
    });
  }

  /** Brings one agent up to date, and tells those who depend on it. */
  #settle(member: Member, now: fleet.Instant): void {
    const { roster, groups, rollouts, effective, journal, alerts } = this.#memory;
    if (member.gone) this.#gateway.forget(member);
    else {
      const { agent, presence } = member;
      const { id, pin } = agent.identity;
      const settled = fleet.settle(agent, presence, { groupOf: groups.groupOf, verdictOn: effective.verdict }, now);
      if (settled.identity.pin !== pin) journal.record('agent.unpinned', `agent/${id}`, { reason: 'expired' });
      roster.update(member, settled);
      if (fleet.mustReconnect(settled, presence, now) && !this.#gateway.reconnect(member))
        roster.update(member, fleet.keepingConnection(settled));
    }
    alerts.observe(member);
    rollouts.follow(member);
    if (fleet.lacksNews(member.agent, member.presence, now)) this.#gateway.say(member, 'ask-full-state');
  }

  /** What the pull law says of those who were looked at; whoever was not stands as before. */
  #decide(seen: ReadonlySet<Member>, now: fleet.Instant): void {
    for (const member of seen) {
      const decision = fleet.decideOffer(member.agent, member.presence, now);
      if (decision === 'ask-full-state') this.#gateway.say(member, decision);
      if (decision === 'offer') this.#waiting.add(member);
      else this.#waiting.delete(member);
    }
  }

  /** The offers that leave with this turn; each is marked as sent in the very commit that comes first (I3). */
  #offers(now: fleet.Instant): Map<Member, Dispatch> {
    const offers = new Map<Member, Dispatch>();
    const room = Math.min(SERVER_LIMITS.offersPerTurn, SERVER_LIMITS.offersUnheard - this.#unheard.size);
    for (const member of this.#waiting) {
      if (offers.size >= room) break;
      const { agent, presence } = member;
      const { ledger } = agent;
      const remoteConfig = ledger && this.#memory.offers.atHand(ledger.revision.hash);
      if (!ledger || !remoteConfig) continue;
      const isVoid = this.#memory.rollouts.isWithdrawn(agent) || fleet.isOutlived(agent, this.#memory.travelledAt);
      const way = isVoid ? 'no' : this.#gateway.canSend(member);
      if (way !== 'later') this.#waiting.delete(member);
      if (way !== 'now' || presence.epoch === null) continue;
      member.agent = { ...agent, ledger: fleet.markSent(ledger, presence.epoch, now) };
      this.#memory.rollouts.follow(member);
      offers.set(member, { remoteConfig, epoch: presence.epoch });
      this.#unheard.set(member, now);
    }
    // Where a connection is busy, the answer to what it carries or the next tick leads on.
    if (this.#waiting.size > 0 && offers.size > 0) this.#schedule();
    return offers;
  }

  /** The record says sent, but the connection was gone: no epoch has it, so the pull law asks before it sends again. */
  #wasNotSent(member: Member, epoch: string): void {
    const { ledger } = member.agent;
    if (ledger?.phase !== 'sent' || ledger.sentEpoch !== epoch) return;
    this.#memory.roster.update(member, { ...member.agent, ledger: { ...ledger, sentEpoch: null } });
  }

  #schedule(): void {
    if (!this.#stopped) this.#timer ??= this.#memory.machine.later(() => this.turn(), SERVER_LIMITS.turnGap);
  }

  /** Time passes: looks again at whoever waits for a deadline, for proof, for an answer or for a place. */
  tick(): void {
    const { roster, now } = this.#memory;
    const at = now();
    this.#noticeAbsence(at);
    for (const member of this.#open) if (fleet.isDue(member.agent, member.presence, at)) roster.touch(member);
    this.#lanes.tick();
    // A soak, a bake or a deadline of a rollout may be over.
    if (this.#memory.rollouts.running().length > 0) this.#schedule();
    for (const [member, since] of this.#unheard) if (at - since >= SERVER_LIMITS.tick) this.#unheard.delete(member);
    if (this.#waiting.size > 0) this.#schedule();
  }

  #watch(member: Member): void {
    if (fleet.awaitsTime(member.agent)) this.#open.add(member);
    else this.#open.delete(member);
  }
}
