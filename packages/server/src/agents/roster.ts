import {
  ABSENT,
  type Agent,
  type AgentId,
  type AgentState,
  type LedgerEntry,
  newAgent,
  type Presence,
} from '@flaghoist/fleet';
import type { NewId } from '../clock.ts';

/** One agent in memory. `committed` is what the store holds, so that only changed facets are written. */
export interface Member {
  agent: Agent;
  presence: Presence;
  committed: Agent | null;
  /** The ledger entry as the rollouts last heard of it. */
  noted: LedgerEntry | null;
  /** The state last told to the event stream. */
  announced: AgentState | null;
}

/** All agents, found by our id, their instance uid or their group. The truth is the store; this is its image. */
export class Roster {
  readonly #members = new Map<AgentId, Member>();
  readonly #byUid = new Map<string, AgentId>();
  readonly #byGroup = new Map<string, Set<AgentId>>();
  readonly #touched = new Set<AgentId>();
  readonly #newId: NewId;
  /** Called when the first agent of a turn is touched. */
  onTouched: () => void = () => {};

  constructor(agents: Iterable<Agent>, newId: NewId) {
    this.#newId = newId;
    for (const stored of agents) {
      // The entry of an assignment that was taken back stays in the store, as history.
      const agent = stored.assignment.desired === null ? { ...stored, ledger: null } : stored;
      const image = { agent, presence: ABSENT, committed: agent, noted: agent.ledger, announced: null };
      this.#members.set(agent.identity.id, image);
      this.#index(agent);
    }
  }

  get size(): number {
    return this.#members.size;
  }

  get touchedCount(): number {
    return this.#touched.size;
  }

  all(): IterableIterator<Member> {
    return this.#members.values();
  }

  get(id: AgentId): Member | undefined {
    return this.#members.get(id);
  }

  /** By our id or by instance uid, hyphens or not. */
  find(idOrUid: string): Member | undefined {
    const uid = idOrUid.replaceAll('-', '').toLowerCase();
    return this.#members.get(idOrUid) ?? this.byUid(uid);
  }

  byUid(uid: string): Member | undefined {
    const id = this.#byUid.get(uid);
    return id === undefined ? undefined : this.#members.get(id);
  }

  *inGroup(name: string): IterableIterator<Member> {
    for (const id of this.#byGroup.get(name) ?? []) {
      const member = this.#members.get(id);
      if (member !== undefined) yield member;
    }
  }

  groupSize(name: string): number {
    return this.#byGroup.get(name)?.size ?? 0;
  }

  /** A record for a uid never seen, or seen and deleted: then it is a new agent (X4). */
  enrol(uid: string, now: number): Member {
    const agent = newAgent(this.#newId('a'), uid, now);
    const member: Member = { agent, presence: ABSENT, committed: null, noted: null, announced: null };
    this.#members.set(agent.identity.id, member);
    this.#index(agent);
    this.touch(agent.identity.id);
    return member;
  }

  /** Puts a new record in place of the old one. The same reference changes and touches nothing. */
  update(member: Member, agent: Agent): void {
    if (agent === member.agent) return;
    const before = member.agent.identity;
    member.agent = agent;
    if (before !== agent.identity) {
      this.#unindex(before);
      this.#index(agent);
    }
    this.touch(agent.identity.id);
  }

  present(member: Member, presence: Presence): void {
    member.presence = presence;
    this.touch(member.agent.identity.id);
  }

  remove(id: AgentId): void {
    const member = this.#members.get(id);
    if (member === undefined) return;
    this.#unindex(member.agent.identity);
    this.#members.delete(id);
    this.#touched.delete(id);
  }

  touch(id: AgentId): void {
    const first = this.#touched.size === 0;
    this.#touched.add(id);
    if (first) this.onTouched();
  }

  /** The agents touched since the last call. */
  takeTouched(): Member[] {
    const members: Member[] = [];
    for (const id of this.#touched) {
      const member = this.#members.get(id);
      if (member !== undefined) members.push(member);
    }
    this.#touched.clear();
    return members;
  }

  #index({ identity }: Agent): void {
    this.#byUid.set(identity.instanceUid, identity.id);
    if (identity.group === null) return;
    const group = this.#byGroup.get(identity.group.name) ?? new Set();
    group.add(identity.id);
    this.#byGroup.set(identity.group.name, group);
  }

  #unindex(identity: Agent['identity']): void {
    if (this.#byUid.get(identity.instanceUid) === identity.id) this.#byUid.delete(identity.instanceUid);
    if (identity.group !== null) this.#byGroup.get(identity.group.name)?.delete(identity.id);
  }
}
