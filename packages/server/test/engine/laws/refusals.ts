/** I5, its memory: what agents refused, once a process that heard it has committed; and what people forgave them. */
import type * as fleet from '@flaghoist/fleet';
import { type RemoteConfigStatus, RemoteConfigStatuses as Status } from '@flaghoist/opamp';
import type { JournalEvent } from '../../../src/events/journal-event.ts';
import type { Change } from '../../../src/storage/store.ts';
import type { HttpExchange, WebSocketLink } from '../network.ts';
import type { Plane } from '../plane.ts';
import type { Evidence } from './evidence.ts';

export class Refusals {
  readonly #evidence: Evidence;
  /** FAILED that a process has heard: what it asks to be written next holds them. */
  readonly #hearing = new Map<Plane, Set<string>>();
  readonly #asked = new Map<Change, ReadonlySet<string>>();
  /** Agent and hash: refused, and that is durable. */
  readonly #refused = new Set<string>();
  /** When that was forgiven last. */
  readonly #forgivenAt = new Map<string, number>();

  constructor(evidence: Evidence) {
    this.#evidence = evidence;
  }

  has(id: fleet.AgentId, hash: string): boolean {
    return this.#refused.has(`${id} ${hash}`);
  }

  heard(
    { plane, agent }: Pick<WebSocketLink | HttpExchange, 'plane' | 'agent'>,
    uid: string,
    { status, lastRemoteConfigHash }: RemoteConfigStatus,
  ): void {
    if (status !== Status.RemoteConfigStatuses_FAILED) return;
    const id = this.#evidence.idOf(uid);
    const hash = Buffer.from(lastRemoteConfigHash).toString('hex');
    if (id === undefined || hash === '') return;
    // Said before a person had it asked once more, and heard or repeated since: that is forgiven.
    if ((agent.refusedAt.get(hash) ?? 0) <= (this.#forgivenAt.get(`${id} ${hash}`) ?? -1)) return;
    const hearing = this.#hearing.get(plane) ?? new Set();
    this.#hearing.set(plane, hearing.add(`${id} ${hash}`));
  }

  /** A process has asked for this transaction. */
  asked(plane: Plane, changes: readonly Change[]): void {
    const hearing = this.#hearing.get(plane);
    if (hearing === undefined) return;
    this.#hearing.delete(plane);
    for (const change of changes) this.#asked.set(change, hearing);
  }

  ended(plane: Plane): void {
    this.#hearing.delete(plane);
  }

  /** These rows have become durable. */
  remember(changes: readonly Change[]): void {
    for (const change of changes) {
      for (const refusal of this.#asked.get(change) ?? []) this.#refused.add(refusal);
      this.#asked.delete(change);
    }
    for (const change of changes) {
      if (change.kind === 'agent-assignment')
        for (const { hash } of change.row.refused) this.#refused.add(`${change.id} ${hash}`);
      if (change.kind === 'event') this.#forgive(change.row);
    }
  }

  /** Of the older copy that was put back there are those that it knows. */
  travel(): void {
    this.#refused.clear();
    for (const [id, { refused }] of this.#evidence.world.database.assignments)
      for (const { hash } of refused) this.#refused.add(`${id} ${hash}`);
  }

  /** A person has these asked once more. */
  retried(agents: readonly fleet.AgentId[], hash: string): void {
    for (const agent of agents) this.#forget(agent, hash);
  }

  #forget(id: fleet.AgentId, hash: string): void {
    this.#refused.delete(`${id} ${hash}`);
    this.#forgivenAt.set(`${id} ${hash}`, this.#evidence.world.timeline.now);
  }

  #forgive({ kind, subject, data }: JournalEvent): void {
    const id = subject.replace('agent/', '');
    if (kind === 'agent.retried') this.#forget(id, String(data['hash']));
    if (kind !== 'agent.conflict' && kind !== 'agent.deleted') return;
    for (const refusal of this.#refused) if (refusal.startsWith(`${id} `)) this.#refused.delete(refusal);
  }
}
