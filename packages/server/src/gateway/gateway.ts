/**
 * The agent plane: connections on one side, agents on the other, a protocol session between them. Answers wait for
 * the turn that makes what they answer durable (S-051); offers join the answer that is due, or go by themselves.
 */
import { randomBytes } from 'node:crypto';
import { type AgentId, assess, conflicted, withLedger } from '@flaghoist/fleet';
import {
  type AgentToServer,
  attach,
  decodeAgentToServer,
  type Exchange,
  encodeBadRequest,
  encodeReply,
  exchange,
  type Fact,
  type Input,
  type InstanceUid,
  type Link,
  newSession,
  newUuidV7,
  OpampError,
  peekInstanceUid,
  type Refusal,
  type Reply,
  type Session,
  uidFromBytes,
} from '@flaghoist/opamp';
import type { AgentConnection } from '@flaghoist/opamp/node';
import type { Member, Roster } from '../agents/roster.ts';
import type { Now } from '../clock.ts';
import type { EffectiveConfigs } from '../effective/effective-configs.ts';
import { SERVER } from '../events/journal.ts';
import { SERVER_LIMITS } from '../limits.ts';
import type { AgentPlane, Dispatch } from '../reconciler/agent-plane.ts';
import type { Reconciler } from '../reconciler/reconciler.ts';
import { ComponentMaps, observe } from './observe.ts';
import type { OfferBook } from './offer-book.ts';
import { presenceOf } from './presence.ts';

/** A session with the agent it belongs to. */
interface Speaker {
  session: Session;
  agent: AgentId;
  lastSeen: number;
  /** When the present connection epoch began. */
  epochSince: number;
  /** Longest recent gap between messages: an HTTP agent that exceeds it thrice is gone (P5). */
  gap: number;
}

/** An answer that is due, and where. */
interface Held {
  readonly agent: AgentId;
  readonly connection: AgentConnection;
  readonly speaker: Speaker;
  reply: Reply;
}

const NO_UID = '0'.repeat(32) as InstanceUid;

export class Gateway implements AgentPlane {
  readonly #speakers = new Map<InstanceUid, Speaker>();
  readonly #connections = new Map<string, { connection: AgentConnection; uids: Set<InstanceUid> }>();
  readonly #maps = new ComponentMaps();
  #held: Held[] = [];
  readonly #holding = new Set<AgentId>();
  /** Connections that an offer of this turn goes over. */
  readonly #claimed = new Set<string>();
  readonly #roster: Roster;
  readonly #effective: EffectiveConfigs;
  readonly #offers: OfferBook;
  readonly #now: Now;
  #reconciler: Reconciler | undefined;

  constructor(roster: Roster, effective: EffectiveConfigs, offers: OfferBook, now: Now) {
    this.#roster = roster;
    this.#effective = effective;
    this.#offers = offers;
    this.#now = now;
    for (const { agent } of roster.all()) {
      const { components } = agent.identity;
      if (components?.ids) this.#maps.set(agent.identity, components.hash, components.ids);
    }
  }

  attach(reconciler: Reconciler): void {
    this.#reconciler = reconciler;
  }

  /** Takes in the bytes of one message. */
  message(connection: AgentConnection, payload: Uint8Array): void {
    let message: AgentToServer;
    try {
      message = decodeAgentToServer(payload);
    } catch (error) {
      const why = error instanceof OpampError ? error.message : 'the message could not be read';
      this.#refuse(connection, why, peekInstanceUid(payload));
      return;
    }
    const uid = uidFromBytes(message.instanceUid);
    const { link } = connection;
    this.#remember(connection, uid);
    const speaker = this.#speakerOf(uid);
    const now = this.#now();
    speaker.gap = Math.max(speaker.gap * 0.9, speaker.lastSeen === 0 ? 0 : now - speaker.lastSeen);
    speaker.lastSeen = now;
    const outcome = this.#step(uid, { kind: 'message', link, message, payload });
    this.#answer(connection, speaker, outcome);
    this.#reconciler?.afterMessage();
  }

  /** Answers bytes that are no message (S-259); nothing of them counts as received (S-270). */
  #refuse(connection: AgentConnection, message: string, uid = connection.uidHeader ?? NO_UID): void {
    connection.send([encodeBadRequest(message, uid)]);
  }

  closed(connection: AgentConnection): void {
    const known = this.#connections.get(connection.id);
    this.#connections.delete(connection.id);
    for (const uid of known?.uids ?? []) {
      // Whoever was deleted meanwhile is not enrolled by the end of its connection.
      if (this.#speakers.has(uid)) this.#step(uid, { kind: 'link-closed', link: connection.id });
    }
  }

  /** Ends the patience with HTTP agents that no longer poll (S-046). */
  sweep(): void {
    const now = this.#now();
    for (const [uid, speaker] of this.#speakers) {
      if (speaker.session.link?.transport !== 'http') continue;
      if (now - speaker.lastSeen > Math.max(SERVER_LIMITS.httpPatience, 3 * speaker.gap))
        this.#step(uid, { kind: 'silent' });
    }
  }

  /** Sends a restart command, alone (S-230). Returns why not, when it cannot be sent. */
  restart(agent: AgentId): Refusal | undefined {
    const member = this.#roster.get(agent);
    const uid = member?.agent.identity.instanceUid as InstanceUid | undefined;
    if (uid === undefined || !this.#speakers.has(uid)) return 'offline';
    const outcome = this.#step(uid, { kind: 'restart' });
    this.#push(outcome);
    const refused = outcome.facts.find((fact) => fact.kind === 'refused');
    return refused?.reason;
  }

  /** One offer per connection and turn, and none while the last one is still leaving: it may carry many agents (R8). */
  canSend(agent: AgentId): 'now' | 'later' | 'no' {
    const link = this.#speakerOfAgent(agent)?.session.link;
    if (link === undefined) return 'no';
    if (link.transport === 'http') return this.#holding.has(agent) ? 'now' : 'no';
    const connection = this.#connections.get(link.id)?.connection;
    if (connection === undefined) return 'no';
    if (this.#claimed.has(link.id) || connection.bufferedAmount > 0) return 'later';
    this.#claimed.add(link.id);
    return 'now';
  }

  /** Has a configuration encoded before anybody is to get it, so that the first answer to a poll can carry it. */
  prepare(hash: string): Promise<void> {
    return this.#offers.fetch(hash);
  }

  ready(agent: AgentId, hash: string): boolean {
    if (this.#offers.get(hash) !== undefined) return true;
    void this.#offers.fetch(hash).then(() => this.#roster.touch(agent));
    return false;
  }

  askFullState(agent: AgentId): void {
    const speaker = this.#speakerOfAgent(agent);
    if (speaker?.session.link === undefined) return;
    this.#push(this.#step(speaker.session.uid, { kind: 'ask-full-state' }));
  }

  hold(offers: ReadonlyMap<AgentId, Dispatch>): () => AgentId[] {
    const held = this.#held;
    this.#held = [];
    this.#holding.clear();
    this.#claimed.clear();
    return () => {
      const left = new Map(offers);
      const unsent: AgentId[] = [];
      for (const each of held.toReversed()) this.#join(each, left);
      for (const { agent, connection, reply } of held) {
        if (!connection.send(encodeReply(reply)) && reply.remoteConfig !== undefined) unsent.push(agent);
      }
      for (const [agent, offer] of left) if (!this.#offer(agent, offer)) unsent.push(agent);
      return unsent;
    };
  }

  /** Puts the agent's offer into the answer that is due. */
  #join(held: Held, offers: Map<AgentId, Dispatch>): void {
    const offer = offers.get(held.agent);
    const remoteConfig = offer && this.#offers.get(offer.hash);
    if (remoteConfig === undefined || held.speaker.session.epoch !== offer?.epoch) return;
    const joined = attach(held.speaker.session, held.reply, { remoteConfig });
    if (joined === held.reply) return;
    held.reply = joined;
    offers.delete(held.agent);
  }

  /** Sends an offer by itself; false when it cannot leave on the epoch that its record names. */
  #offer(agent: AgentId, { hash, epoch }: Dispatch): boolean {
    const speaker = this.#speakerOfAgent(agent);
    const remoteConfig = this.#offers.get(hash);
    if (speaker === undefined || remoteConfig === undefined || speaker.session.epoch !== epoch) return false;
    return this.#push(this.#step(speaker.session.uid, { kind: 'offer', offer: { remoteConfig } }));
  }

  /** Sends what a step says unasked; over HTTP the session keeps it for the next poll (S-034). False when nothing left. */
  #push({ deliveries }: Exchange): boolean {
    const sent = deliveries.map(({ link, reply }) =>
      this.#connections.get(link.id)?.connection.send(encodeReply(reply)),
    );
    return sent.length > 0 && sent.every((left) => left === true);
  }

  /** Answers a message: at once when nothing has to be durable first, else with the turn. */
  #answer(connection: AgentConnection, speaker: Speaker, { deliveries, session }: Exchange): void {
    const member = this.#roster.get(speaker.agent);
    for (const { link, reply } of deliveries) {
      const own = link.id === connection.link.id;
      const target = own ? connection : this.#connections.get(link.id)?.connection;
      if (target === undefined) continue;
      const askComponents = own && member !== undefined && lacksComponents(member);
      const complete = askComponents ? attach(session, reply, { askComponents }) : reply;
      if (own && member !== undefined && this.#mustWait(member, link)) {
        this.#held.push({ agent: speaker.agent, connection, speaker, reply: complete });
        this.#holding.add(speaker.agent);
        this.#roster.touch(speaker.agent);
      } else {
        target.send(encodeReply(complete));
      }
    }
  }

  /** Facts of this agent are not durable yet, or it polls and something may be on its way to it. */
  #mustWait({ agent, committed }: Member, link: Link): boolean {
    if (agent !== committed) return true;
    return link.transport === 'http' && agent.ledger !== null && agent.ledger.phase !== 'proven';
  }

  #step(uid: InstanceUid, input: Input): Exchange {
    const speaker = this.#speakerOf(uid);
    const now = this.#now();
    const before = speaker.session;
    const outcome = exchange(before, input, now, () => newUuidV7(now, randomBytes(10)));
    speaker.session = outcome.session;
    const member = this.#roster.get(speaker.agent);
    if (member === undefined) return outcome;
    this.#takeFacts(member, speaker, outcome.facts, now);
    if (outcome.successor !== undefined) this.#rename(member, outcome.successor, speaker);
    // A uid that was left only answers latecomers; it says nothing of where its agent is (S-083).
    const present = outcome.successor ?? (outcome.session.state === 'moved' ? undefined : outcome.session);
    if (present !== undefined) this.#present(member, present, outcome.facts, now);
    if (outcome.facts.some(({ kind }) => kind === 'conflict')) this.askFullState(speaker.agent);
    return outcome;
  }

  #takeFacts(member: Member, speaker: Speaker, facts: readonly Fact[], now: number): void {
    let { agent } = member;
    for (const fact of facts) {
      const observed = observe(agent, fact, this.#effective, this.#maps, now);
      agent = observed.agent;
      // Each status gets its time, also when several come before the next turn.
      if (fact.kind === 'remote-config-status') agent = withLedger(agent, assess(agent, member.presence, now));
      this.#reconciler?.write(observed.changes);
      if (fact.kind === 'connected') speaker.epochSince = now;
      if (fact.kind === 'conflict') {
        agent = conflicted(agent, speaker.epochSince, now);
        this.#reconciler?.record('agent.conflict', SERVER, `agent/${agent.identity.id}`, {
          instanceUid: agent.identity.instanceUid,
        });
      }
    }
    this.#roster.update(member, agent);
  }

  /** The agent goes on under another uid: same record, history kept (S-083). */
  #rename(member: Member, successor: Session, from: Speaker): void {
    const { identity } = member.agent;
    this.#speakers.set(successor.uid, { ...from, session: successor });
    this.#roster.update(member, { ...member.agent, identity: { ...identity, instanceUid: successor.uid } });
    this.#reconciler?.record('agent.reassigned', SERVER, `agent/${identity.id}`, {
      from: identity.instanceUid,
      to: successor.uid,
    });
    if (successor.link !== undefined) this.#connections.get(successor.link.id)?.uids.add(successor.uid);
  }

  #present(member: Member, session: Session, facts: readonly Fact[], now: number): void {
    const { presence, isNews } = presenceOf(member.presence, session, facts, now);
    if (isNews) this.#roster.present(member, presence);
    else member.presence = presence;
  }

  #speakerOf(uid: InstanceUid): Speaker {
    const known = this.#speakers.get(uid);
    if (known !== undefined) return known;
    const now = this.#now();
    const member = this.#roster.byUid(uid) ?? this.#enrol(uid, now);
    const speaker: Speaker = {
      session: newSession(uid),
      agent: member.agent.identity.id,
      lastSeen: 0,
      epochSince: now,
      gap: 0,
    };
    this.#speakers.set(uid, speaker);
    return speaker;
  }

  #enrol(uid: InstanceUid, now: number): Member {
    const member = this.#roster.enrol(uid, now);
    this.#reconciler?.record('agent.enrolled', SERVER, `agent/${member.agent.identity.id}`, {
      instanceUid: uid,
    });
    return member;
  }

  #speakerOfAgent(agent: AgentId): Speaker | undefined {
    const uid = this.#roster.get(agent)?.agent.identity.instanceUid as InstanceUid | undefined;
    return uid === undefined ? undefined : this.#speakers.get(uid);
  }

  /** Drops what is known of an agent's sessions: it was deleted. Its connection stays; it enrols anew if it speaks. */
  forget(agent: AgentId): void {
    for (const [uid, speaker] of this.#speakers) if (speaker.agent === agent) this.#speakers.delete(uid);
  }

  #remember(connection: AgentConnection, uid: InstanceUid): void {
    if (connection.transport !== 'websocket') return;
    const known = this.#connections.get(connection.id);
    if (known === undefined) this.#connections.set(connection.id, { connection, uids: new Set([uid]) });
    else known.uids.add(uid);
  }
}

/** The agent gave the hash of its components and nobody has told us what it stands for (S-243). */
function lacksComponents({ agent }: Member): boolean {
  return agent.identity.components !== null && agent.identity.components.ids === null;
}
