import { create } from '@bufbuild/protobuf';
import {
  type AgentToServer,
  AgentToServerSchema,
  attach,
  decodeAgentToServer,
  decodeServerToAgent,
  encodeAgentToServer,
  encodeReply,
  exchange,
  type Fact,
  type Input,
  type InstanceUid,
  type Link,
  newSession,
  newUuidV7,
  type Offer,
  type ServerToAgent,
  type Session,
  uidFromBytes,
  uidToBytes,
} from '../src/index.ts';

export const ws = (id: string): Link => ({ id, transport: 'websocket' });
export const http: Link = { id: 'boot', transport: 'http' };
export const uidOf = (n: number): InstanceUid => newUuidV7(n, new Uint8Array(10));

/** What came of one message: the answers as their receivers decode them. */
export interface Outcome {
  readonly replies: readonly { readonly link: string; readonly message: ServerToAgent }[];
  readonly facts: readonly Fact[];
}

/** The least of a shell: sessions by uid, one clock, real bytes in both directions. For tests only. */
export class TestServer {
  now = 0;
  /** Attached to every answer of an agent, as a level-triggered domain would. */
  offer: Offer = {};
  readonly sessions = new Map<InstanceUid, Session>();
  readonly facts: { readonly uid: InstanceUid; readonly fact: Fact }[] = [];
  private uids = 1_000_000;

  session(uid: InstanceUid): Session {
    return this.sessions.get(uid) ?? newSession(uid);
  }

  /** The wire form of a message arrives. */
  hear(link: Link, message: AgentToServer): Outcome {
    const payload = encodeAgentToServer(message);
    const decoded = decodeAgentToServer(payload);
    return this.give(uidFromBytes(decoded.instanceUid), { kind: 'message', link, message: decoded, payload });
  }

  give(uid: InstanceUid, input: Input): Outcome {
    const made = exchange(this.session(uid), input, this.now, () => uidOf(this.uids++));
    this.sessions.set(uid, made.session);
    if (made.successor) this.sessions.set(made.successor.uid, made.successor);
    this.facts.push(...made.facts.map((fact) => ({ uid, fact })));
    const replies = made.deliveries.map(({ link, reply }) => {
      const parts = encodeReply(input.kind === 'message' ? attach(made.session, reply, this.offer) : reply);
      return { link: link.id, message: decodeServerToAgent(new Uint8Array(Buffer.concat(parts))) };
    });
    return { replies, facts: made.facts };
  }

  /** A WebSocket ends. */
  close(link: string): void {
    for (const uid of this.sessions.keys()) this.give(uid, { kind: 'link-closed', link });
  }

  /** The server process starts anew, with nothing in memory. */
  restart(): void {
    this.sessions.clear();
  }
}

/** The poll of a minimal HTTP client: the uid alone, without a number (S-033). */
export const pollOf = ({ uid }: { readonly uid: InstanceUid }): AgentToServer =>
  create(AgentToServerSchema, { instanceUid: uidToBytes(uid) });

export const kinds = (outcome: Pick<Outcome, 'facts'>): string[] => outcome.facts.map(({ kind }) => kind);

/** Flags of the only reply. */
export const flagsOf = (outcome: Outcome): number => Number(only(outcome).flags);

export function only({ replies }: Outcome): ServerToAgent {
  const [first] = replies;
  if (first === undefined || replies.length !== 1) throw new Error(`expected one reply, got ${replies.length}`);
  return first.message;
}
