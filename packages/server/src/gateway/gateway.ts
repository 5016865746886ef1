/**
 * The agent plane: connections on one side, agents on the other, a protocol session between them. Answers wait for
 * the turn that makes what they answer durable (S-051); offers join the answer that is due, or go by themselves.
 */
import { LIMITS } from '@flaghoist/fleet';
import * as opamp from '@flaghoist/opamp';
import type { AgentConnection } from '@flaghoist/opamp/node';
import type { Member } from '../agents/roster.ts';
import { around } from '../failpoints.ts';
import type { Memory } from '../memory.ts';
import { observer } from './observe.ts';
import { has, presenceOf } from './wire.ts';

/** An offer that may leave once its record is durable, on that connection epoch and no other. */
export interface Dispatch {
  readonly remoteConfig: opamp.EncodedRemoteConfig;
  readonly epoch: string;
}

/** A session with the agent it belongs to. */
interface Speaker {
  session: opamp.Session;
  readonly member: Member;
  /** When the present connection epoch began. */
  epochSince: number;
  /** Longest recent gap between messages: an HTTP agent that exceeds it thrice is gone (P5). */
  gap: number;
}

/** An answer that is due, and where. */
interface Held {
  readonly connection: AgentConnection;
  readonly speaker: Speaker;
  reply: opamp.Reply;
}

/** A WebSocket, and who has spoken over it. */
interface Known {
  readonly connection: AgentConnection;
  readonly uids: Set<opamp.InstanceUid>;
  /** We asked for its end: that the agent went is no fault of its own. */
  isEnded: boolean;
}

export class Gateway {
  readonly #memory: Memory;
  readonly #take: ReturnType<typeof observer>;
  readonly #speakers = new Map<opamp.InstanceUid, Speaker>();
  readonly #connections = new Map<string, Known>();
  /** Answers that wait for the turn, in the order in which they were due. */
  #held = new Map<Member, Held[]>();
  /** Connections that an offer of this turn goes over. */
  readonly #claimed = new Set<string>();
  /** Called after each message. */
  onMessage: (from: Member) => void = () => {};

  constructor(memory: Memory) {
    this.#memory = memory;
    this.#take = observer(memory);
  }

  /** Takes in the bytes of one message. What is no message is answered (S-259), and counts as not received (S-270). */
  message(connection: AgentConnection, payload: Uint8Array): void {
    this.#memory.whenLeading(() => around('message', () => this.#hear(connection, payload)));
  }

  #hear(connection: AgentConnection, payload: Uint8Array): void {
    let message: opamp.AgentToServer;
    try {
      message = opamp.decodeAgentToServer(payload);
    } catch (error) {
      const why = error instanceof opamp.OpampError ? error.message : 'the message could not be read';
      connection.send(opamp.encodeBadRequest(why, payload, connection.uidHeader));
      return;
    }
    const uid = opamp.uidFromBytes(message.instanceUid);
    this.#remember(connection, uid);
    const speaker = this.#speakers.get(uid) ?? this.#meet(uid);
    speaker.gap = Math.max(speaker.gap * 0.9, this.#silenceOf(speaker));
    const { link } = connection;
    this.#answer(connection, speaker, this.#step(speaker, { kind: 'message', link, message, payload }));
    this.onMessage(speaker.member);
  }

  closed(connection: AgentConnection): void {
    const { id } = connection.link;
    const known = this.#connections.get(id);
    this.#connections.delete(id);
    for (const uid of known?.uids ?? []) {
      const speaker = this.#speakers.get(uid);
      if (speaker === undefined) continue;
      const { departures } = speaker.member.presence;
      this.#step(speaker, { kind: 'link-closed', link: id });
      const { member } = speaker;
      if (known?.isEnded) this.#memory.roster.present(member, { ...member.presence, departures });
    }
  }

  /** Has the agent come back over another WebSocket (I13); false when it cannot be, because others use it as well. */
  reconnect(member: Member): boolean {
    const { link } = this.#speakerOf(member)?.session ?? {};
    const known = this.#connections.get(link?.id ?? '');
    if (known === undefined) return false;
    const speakers = [...known.uids].flatMap((uid) => this.#speakers.get(uid) ?? []);
    if (speakers.some((other) => other.member !== member && other.session.link?.id === link?.id)) return false;
    known.isEnded = true;
    known.connection.end();
    return true;
  }

  /** Ends the patience with HTTP agents that no longer poll (S-046). */
  sweep(): void {
    for (const speaker of this.#speakers.values()) {
      // Three of its own gaps, but never before an offer to it would count as not delivered.
      const patience = Math.max(LIMITS.httpPatience, 3 * speaker.gap);
      const { link } = speaker.session;
      if (link?.transport !== 'http' || this.#silenceOf(speaker) <= patience) continue;
      this.#step(speaker, { kind: 'link-closed', link: link.id });
    }
  }

  /** Says something unasked; over HTTP the session keeps it for the next poll (S-034). Returns why not, when it cannot. */
  say(member: Member, kind: 'restart' | 'ask-full-state'): opamp.Refusal | undefined {
    const speaker = this.#speakerOf(member);
    if (speaker === undefined || !this.#memory.store.leads()) return 'offline';
    const { deliveries, facts } = this.#step(speaker, { kind });
    const isSent = deliveries.every((each) => this.#send(each));
    return facts.find((fact) => fact.kind === 'refused')?.reason ?? (isSent ? undefined : 'offline');
  }

  /** Drops what is known of an agent's sessions: it was deleted. Its connection stays; it enrols anew if it speaks. */
  forget(member: Member): void {
    for (const [uid, speaker] of this.#speakers) if (speaker.member === member) this.#speakers.delete(uid);
  }

  /**
   * Whether an offer can leave now. `later`: its connection is busy, ask in the next turn; `no`: not before the agent
   * speaks, as over HTTP, where only the answer to a poll can carry it. One offer per connection and turn, and none
   * while the last one is still leaving: it may carry many agents (R8).
   */
  canSend(member: Member): 'now' | 'later' | 'no' {
    const link = this.#speakerOf(member)?.session.link;
    if (link === undefined) return 'no';
    if (link.transport === 'http') return this.#held.has(member) ? 'now' : 'no';
    const connection = this.#connections.get(link.id)?.connection;
    if (connection === undefined) return 'no';
    if (this.#claimed.has(link.id) || connection.bufferedAmount > 0) return 'later';
    this.#claimed.add(link.id);
    return 'now';
  }

  /**
   * Takes the answers that wait for this turn; the result sends them, with these offers, once the turn is durable, and
   * tells which offers could not leave after all.
   */
  hold(offers: ReadonlyMap<Member, Dispatch>): () => ReadonlyMap<Member, Dispatch> {
    const held = this.#held;
    this.#held = new Map();
    this.#claimed.clear();
    return () => {
      const unsent = new Map(offers);
      for (const [member, answers] of held) {
        this.#join(answers, offers.get(member));
        for (const { connection, reply } of answers) {
          const send = (): boolean => connection.send(opamp.encodeReply(reply));
          if (reply.remoteConfig === undefined) send();
          else if (around('offer', send)) unsent.delete(member);
        }
      }
      for (const [member, offer] of unsent)
        if (around('offer', () => this.#offer(member, offer))) unsent.delete(member);
      return unsent;
    };
  }

  /** Puts an offer into the last answer that is due, when that may carry it. */
  #join(answers: readonly Held[], dispatch: Dispatch | undefined): void {
    const last = answers.at(-1);
    if (dispatch === undefined || last?.speaker.session.epoch !== dispatch.epoch) return;
    last.reply = opamp.attach(last.speaker.session, last.reply, { remoteConfig: dispatch.remoteConfig });
  }

  /** Sends an offer by itself; false when it cannot leave on the epoch that its record names. */
  #offer(member: Member, { remoteConfig, epoch }: Dispatch): boolean {
    const session = this.#speakerOf(member)?.session;
    const offer = session?.epoch === epoch ? opamp.push(session, { remoteConfig }) : undefined;
    return offer !== undefined && this.#send(offer);
  }

  #send({ link, reply }: opamp.Delivery): boolean {
    return this.#connections.get(link.id)?.connection.send(opamp.encodeReply(reply)) ?? false;
  }

  /** Answers a message: at once when nothing has to be durable first, else with the turn. */
  #answer(connection: AgentConnection, speaker: Speaker, { deliveries, session }: opamp.Exchange): void {
    const { member } = speaker;
    for (const delivery of deliveries) {
      const { link, reply } = delivery;
      if (link.id !== connection.link.id) {
        this.#send(delivery);
        continue;
      }
      const complete = opamp.attach(session, reply, { askComponents: lacksComponents(member) });
      if (!mustWait(member, link)) {
        connection.send(opamp.encodeReply(complete));
        continue;
      }
      const answers = this.#held.get(member) ?? [];
      answers.push({ connection, speaker, reply: complete });
      this.#held.set(member, answers);
      this.#memory.roster.touch(member);
    }
  }

  /** Takes an input to the agent's session, and what came of it to its record. */
  #step(speaker: Speaker, input: opamp.Input): opamp.Exchange {
    const now = this.#memory.now();
    const { member } = speaker;
    const newUid = () => opamp.newUuidV7(now, this.#memory.machine.randomBytes(10));
    const outcome = opamp.exchange(speaker.session, input, now, newUid);
    const { session, successor, facts } = outcome;
    speaker.session = session;
    if (successor !== undefined) this.#rename(speaker, successor);
    // A uid that was left only answers latecomers; it says nothing of where its agent is (S-083).
    const present = successor ?? (session.state === 'moved' ? undefined : session);
    // Where it speaks from comes before what it says: a report is judged by the epoch that it came on.
    if (present !== undefined) {
      const happened = { heard: input.kind === 'message', facts, now };
      this.#memory.roster.present(member, presenceOf(member.presence, present, happened));
    }
    this.#take(member, facts, speaker.epochSince, now);
    if (has(facts, 'connected')) speaker.epochSince = now;
    if (has(facts, 'conflict')) this.say(member, 'ask-full-state');
    return outcome;
  }

  /** The agent goes on under another uid: same record, history kept (S-083). */
  #rename(speaker: Speaker, successor: NonNullable<opamp.Exchange['successor']>): void {
    const { roster, journal } = this.#memory;
    const { agent } = speaker.member;
    const { id, instanceUid } = agent.identity;
    const { uid, link } = successor;
    journal.record('agent.reassigned', `agent/${id}`, { from: instanceUid, to: uid });
    this.#speakers.set(uid, { ...speaker, session: successor });
    roster.update(speaker.member, { ...agent, identity: { ...agent.identity, instanceUid: uid } });
    this.#connections.get(link.id)?.uids.add(uid);
  }

  /** The speaker of a uid that has not been heard since we started; who was never heard at all is enrolled. */
  #meet(uid: opamp.InstanceUid): Speaker {
    const { roster, journal } = this.#memory;
    const now = this.#memory.now();
    let member = roster.find(uid);
    if (member === undefined) {
      member = roster.enrol(uid, now);
      journal.record('agent.enrolled', `agent/${member.agent.identity.id}`, { instanceUid: uid });
    }
    const speaker: Speaker = { session: opamp.newSession(uid), member, epochSince: now, gap: 0 };
    this.#speakers.set(uid, speaker);
    return speaker;
  }

  /** Since when nothing was heard of the agent, ms. */
  #silenceOf({ member: { presence } }: Speaker): number {
    return presence.lastSeen === null ? 0 : this.#memory.now() - presence.lastSeen;
  }

  #speakerOf({ agent }: Member): Speaker | undefined {
    return this.#speakers.get(agent.identity.instanceUid as opamp.InstanceUid);
  }

  #remember(connection: AgentConnection, uid: opamp.InstanceUid): void {
    const { id, transport } = connection.link;
    if (transport !== 'websocket') return;
    const known = this.#connections.get(id);
    if (known === undefined) this.#connections.set(id, { connection, uids: new Set([uid]), isEnded: false });
    else known.uids.add(uid);
  }
}

/** Facts of this agent are not durable yet, or it polls and something may be on its way to it. */
function mustWait({ agent, durable }: Member, { transport }: opamp.Link): boolean {
  if (agent !== durable) return true;
  return transport === 'http' && agent.ledger !== null && agent.ledger.phase !== 'proven';
}

/** The agent gave the hash of its components and nobody has told us what it stands for (S-243). */
const lacksComponents = ({ agent: { identity } }: Member): boolean =>
  identity.components !== null && identity.components.ids === null;
