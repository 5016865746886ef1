/** What the laws go by: what the durable rows say, what bytes left, and what was broken. */
import * as fleet from '@flaghoist/fleet';
import { SERVER_LIMITS } from '../../../src/limits.ts';
import type { Change } from '../../../src/storage/store.ts';
import type { SimulatedAgent } from '../agent/agent.ts';
import type { World } from '../world.ts';
import { isActive, json } from './rows.ts';

/** A law that was broken: its number, and how. */
export interface Violation {
  readonly law: string;
  readonly message: string;
}

/** A configuration that left for an agent. */
export interface Offer {
  readonly at: number;
  readonly hash: string;
  readonly epoch: string;
  /** The process of the agent that asked, by when it started: another one hears nothing of the answer. */
  readonly process: number;
  readonly source: fleet.AssignmentSource;
  readonly generation: number;
}

export class Evidence {
  readonly world: World;
  violation: Violation | undefined;
  /** Of each rollout, as its durable log tells it. */
  readonly folds = new Map<string, fleet.Rollout>();
  /** What left for an agent, by our id, oldest first. */
  readonly offers = new Map<fleet.AgentId, Offer[]>();
  /** By rollout: who of its targets was proven on it at some time. */
  readonly proven = new Map<string, Set<fleet.AgentId>>();
  /** Which assignments were proven, as agent and generation. */
  readonly provenOnce = new Set<string>();
  /** How many the lane could hold when it gave an assignment a place, as agent and generation: the group may have shrunk since. */
  readonly laneWhenGiven = new Map<string, number>();
  /** Agents that were two for a while: what they said may have been the other's. */
  readonly doubled = new Set<fleet.AgentId>();

  /** The transaction that is about to become durable. */
  writing: readonly Change[] = [];
  /** Ledgers of agents that were deleted, by uid. */
  readonly deleted = new Map<string, readonly fleet.LedgerEntry[]>();
  /** Rollouts that were under way in an older database that was put back: more may have them than it knows of (I14). */
  readonly travelled = new Set<string>();
  hasTravelled = false;

  constructor(world: World) {
    this.world = world;
  }

  /** What is durable is an older copy: what we knew by rows that are lost is void. */
  travel(): void {
    this.hasTravelled = true;
    const { logs, ledgers } = this.world.database;
    this.folds.clear();
    for (const [id, log] of logs) {
      const fold = fleet.fold(json(log));
      if (fold === null) continue;
      this.folds.set(id, fold);
      if (isActive(fold)) this.travelled.add(id);
    }
    this.offers.clear();
    this.provenOnce.clear();
    for (const [id, entries] of ledgers)
      for (const { generation, phase } of entries.values())
        if (phase === 'proven') this.provenOnce.add(`${id} ${generation}`);
  }

  broken(law: string, message: string): void {
    this.violation ??= { law, message };
  }

  hold(law: string, holds: boolean, message: () => string): void {
    if (!holds && this.violation === undefined) this.broken(law, message());
  }

  idOf(uid: string): fleet.AgentId | undefined {
    for (const { id, instanceUid } of this.world.database.identities.values()) if (instanceUid === uid) return id;
    return undefined;
  }

  /** All agents as they stand in our records, with what the transaction says of them that is about to become durable. */
  identities(): fleet.AgentIdentity[] {
    const all = new Map(this.world.database.identities);
    for (const change of this.writing) {
      if (change.kind === 'agent-identity') all.set(change.row.id, change.row);
      if (change.kind === 'agent-deleted') all.delete(change.id);
    }
    return [...all.values()];
  }

  /** L1 in SPEC.md of rollouts: 5 % of the group, one at least. */
  laneOf(inGroup: string): number {
    const members = this.identities().filter(({ group }) => group?.name === inGroup);
    return Math.max(1, Math.ceil(members.length / 20));
  }

  /** An agent is about to be deleted: what was sent to it may be on its way to the socket. */
  deleting(id: fleet.AgentId, changes: readonly Change[]): void {
    const { identities, ledgers } = this.world.database;
    const last = changes.flatMap((change) => (change.kind === 'ledger' && change.id === id ? [change.row] : []));
    const entries = [...(ledgers.get(id)?.values() ?? []), ...last];
    this.deleted.set(identities.get(id)?.instanceUid ?? '', entries);
  }

  /** Those that use that agent's uid: more than one are clones. */
  agentsOf(id: fleet.AgentId): SimulatedAgent[] {
    const uid = this.world.database.identities.get(id)?.instanceUid;
    return this.world.agents.filter((agent) => agent.uid === uid);
  }

  hasTwin(agent: SimulatedAgent): boolean {
    return this.world.agents.some((one) => one !== agent && one.uid === agent.uid);
  }

  /** How long we served since then, ms. */
  served(since: number): number {
    const { timeline, servers } = this.world;
    const { now } = timeline;
    const away = servers.outages
      .filter(({ from, until }) => until - from >= SERVER_LIMITS.absence)
      .map(({ from, until }) => Math.max(0, Math.min(until, now) - Math.max(from, since)));
    return now - since - away.reduce((sum, one) => sum + one, 0);
  }

  /** With a mix that was left on purpose, or what it was taken back to: no lane changes that before another has succeeded (A.7). */
  isLeft(id: fleet.AgentId, inGroup: string): boolean {
    const { source, phase } = this.world.database.ledgerOf(id) ?? {};
    if (source === undefined || !('rollout' in source) || phase === 'offered') return false;
    const last = this.folds.get(source.rollout ?? '');
    if (last?.group !== inGroup || (source.kind !== 'rollback' && last.state !== 'stopped-mixed')) return false;
    return ![...this.folds.values()].some(
      ({ group, createdAt, state }) => group === last.group && createdAt > last.createdAt && state === 'succeeded',
    );
  }
}
