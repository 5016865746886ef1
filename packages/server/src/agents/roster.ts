import {
  ABSENT,
  type Agent,
  type AgentId,
  type AgentState,
  type Instant,
  type LedgerEntry,
  newAgent,
  type Presence,
  unassign,
} from '@flaghoist/fleet';
import { MACHINE, type Machine, randomId } from '../clock.ts';
import type { Change } from '../storage/store.ts';

/** One agent in memory. */
export interface Member {
  agent: Agent;
  presence: Presence;
  /** What was last given to the store, so that only changed facets are written; and what of it is durable. */
  committed: Agent | null;
  durable: Agent | null;
  /** Ledger entries that were over before a commit saw how they ended: an agent that fails may be ordered back in one turn. */
  overtaken: readonly LedgerEntry[];
  /** The ledger entry that the rollouts last heard of. */
  heard: Agent['ledger'];
  /** The state last told to the event stream. */
  announced: AgentState | null;
  /** Deleted: looked at once more, so that all who know of it hear it. */
  gone: boolean;
}

const NOBODY: ReadonlySet<Member> = new Set();
const NONE: readonly LedgerEntry[] = [];

/** What of a presence others act on; a heartbeat changes none of it. */
const NEWS = ['connected', 'epoch', 'synced', 'transport', 'fullStateAt'] as const satisfies (keyof Presence)[];

/** All agents, found by our id, their instance uid or their group. The truth is the store; this is its image. */
export class Roster {
  readonly #members = new Map<AgentId, Member>();
  readonly #byUid = new Map<string, Member>();
  readonly #byGroup = new Map<string, Set<Member>>();
  readonly #machine: Machine;
  #touched = new Set<Member>();
  /** Called when an agent is to be looked at in the next turn. */
  onTouched: () => void = () => {};

  constructor(agents: Iterable<Agent>, machine = MACHINE) {
    this.#machine = machine;
    for (const agent of agents) this.#add(agent, agent);
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
    return this.#members.get(idOrUid) ?? this.#byUid.get(idOrUid.replaceAll('-', '').toLowerCase());
  }

  inGroup(name: string): ReadonlySet<Member> {
    return this.#byGroup.get(name) ?? NOBODY;
  }

  /** A record for a uid never seen, or seen and deleted: then it is a new agent (X4). */
  enrol(uid: string, now: number): Member {
    const member = this.#add(newAgent(randomId('a', this.#machine), uid, now), null);
    this.touch(member);
    return member;
  }

  /** Puts a new record in place of the old one. The same reference changes and touches nothing, nor does who is gone. */
  update(member: Member, agent: Agent): void {
    if (agent === member.agent || member.gone) return;
    const { ledger } = member.agent;
    const isOver = ledger !== null && ledger.generation !== agent.ledger?.generation;
    if (isOver && ledger !== member.committed?.ledger) member.overtaken = [...member.overtaken, ledger];
    if (agent.identity === member.agent.identity) member.agent = agent;
    else {
      this.#unindex(member);
      member.agent = agent;
      this.#index(member);
    }
    this.touch(member);
  }

  /** Says where the agent is now. Touches it only when something could follow from that. */
  present(member: Member, presence: Presence): void {
    if (member.gone) return;
    const isNews = NEWS.some((key) => presence[key] !== member.presence[key]);
    member.presence = presence;
    if (isNews) this.touch(member);
  }

  /** Deletes the agent: out of its group, asked for nothing. */
  remove(member: Member, now: Instant): void {
    this.#unindex(member);
    this.#members.delete(member.agent.identity.id);
    const identity = { ...member.agent.identity, group: null, pin: null };
    Object.assign(member, { agent: unassign({ ...member.agent, identity }, now), presence: ABSENT, gone: true });
    this.touch(member);
  }

  touch(member: Member): void {
    this.#touched.add(member);
    this.onTouched();
  }

  /** Agents touched and not taken since, `most` at once. */
  takeTouched(most = Number.POSITIVE_INFINITY): ReadonlySet<Member> {
    const touched = this.#touched;
    const taken = touched.size <= most ? touched : new Set(touched.values().take(most));
    this.#touched = taken === touched ? new Set() : touched.difference(taken);
    return taken;
  }

  #add(agent: Agent, committed: Agent | null): Member {
    const member: Member = {
      agent,
      presence: ABSENT,
      committed,
      durable: committed,
      overtaken: NONE,
      heard: agent.ledger,
      announced: null,
      gone: false,
    };
    this.#members.set(agent.identity.id, member);
    this.#index(member);
    return member;
  }

  #index(member: Member): void {
    const { instanceUid, group } = member.agent.identity;
    this.#byUid.set(instanceUid, member);
    if (group === null) return;
    const members = this.#byGroup.get(group.name) ?? new Set();
    this.#byGroup.set(group.name, members.add(member));
  }

  #unindex(member: Member): void {
    const { instanceUid, group } = member.agent.identity;
    if (this.#byUid.get(instanceUid) === member) this.#byUid.delete(instanceUid);
    if (group !== null) this.#byGroup.get(group.name)?.delete(member);
  }
}

/** The rows that differ from what the store holds, facet by facet; marks them as committed. */
export function changesOf(member: Member): Change[] {
  const { agent, committed, gone } = member;
  const { identity, report, assignment, ledger } = agent;
  const { id } = identity;
  if (agent === committed) return [];
  member.committed = agent;
  const changes = member.overtaken.map((row): Change => ({ kind: 'ledger', id, row }));
  member.overtaken = NONE;
  if (gone) return [{ kind: 'agent-deleted', id }];
  if (identity !== committed?.identity) changes.push({ kind: 'agent-identity', row: identity });
  if (report !== committed?.report) changes.push({ kind: 'agent-report', id, row: report });
  if (assignment !== committed?.assignment) changes.push({ kind: 'agent-assignment', id, row: assignment });
  if (ledger !== null && ledger !== committed?.ledger) changes.push({ kind: 'ledger', id, row: ledger });
  return changes;
}
