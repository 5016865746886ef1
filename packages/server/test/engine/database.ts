/**
 * The durable rows, and the store that one server process has on them: `storage/store.ts` without a disk. A transaction
 * becomes durable some time after it was asked for, in order; the process hears of it later still, or never.
 */
import type * as fleet from '@flaghoist/fleet';
import { newAgent } from '@flaghoist/fleet';
import type { JournalEvent } from '../../src/events/journal-event.ts';
import { STORE_LIMITS } from '../../src/limits.ts';
import type { Change, Loaded, RolloutLog, RolloutSummary, Store } from '../../src/storage/store.ts';
import { type Lease, StoreError } from '../../src/storage/store.ts';
import { writeQueue } from '../../src/storage/write-queue.ts';

/** What the store needs of the process that it belongs to, and of the disk. */
export interface Client {
  readonly holder: string;
  /** Nobody else has the directory: the lease is had at once, and kept. */
  readonly isAlone: boolean;
  /** Calls later, unless the process is dead by then. */
  later(delay: number, work: () => void): void;
  /** Calls later whatever became of the process: the disk has it. */
  disk(delay: number, work: () => void): void;
  /** How long until a transaction is durable, how long until that is known, and whether it fails. */
  write(): { readonly durable: number; readonly told: number; readonly fails: 'no' | 'lost' | 'unknown' };
  isAlive(): boolean;
}

/** The row that a change may only write once. */
function onceOnly(change: Change): string | undefined {
  if (change.kind === 'revision') return `revision ${change.row.configuration}@${change.row.number}`;
  if (change.kind === 'rollout-log') return `log ${change.row.rollout} ${change.row.version}`;
  if (change.kind === 'event') return `event ${change.row.seq}`;
  return undefined;
}

const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value));
const byKey = <T>(rows: ReadonlyMap<string, T>): T[] =>
  [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);

export class Database {
  readonly configurations = new Map<string, fleet.Configuration>();
  readonly revisions = new Map<string, fleet.Revision>();
  readonly files = new Map<string, fleet.ConfigFiles>();
  readonly groups = new Map<string, fleet.Group>();
  readonly identities = new Map<fleet.AgentId, fleet.AgentIdentity>();
  readonly reports = new Map<fleet.AgentId, fleet.AgentReport>();
  readonly assignments = new Map<fleet.AgentId, fleet.Assignment>();
  /** By agent, then by generation. */
  readonly ledgers = new Map<fleet.AgentId, Map<number, fleet.LedgerEntry>>();
  readonly texts = new Map<string, string>();
  readonly strategies = new Map<string, fleet.OwnStrategy>();
  readonly rollouts = new Map<string, RolloutSummary>();
  readonly logs = new Map<string, RolloutLog[]>();
  readonly events: JournalEvent[] = [];
  readonly alerts = new Map<string, fleet.Alert>();
  readonly marks = new Map<string, number>();
  readonly #answers = new Map<string, unknown>();
  readonly #once = new Set<string>();
  lease: Lease = { holder: '', epoch: 0, expiresAt: 0 };
  /** Off in a mutant: whoever comes writes, over whatever stands there. */
  fencing = true;
  readonly #clock: () => number;
  /** Called with each transaction, before and after its rows are there. */
  onWriting: (changes: readonly Change[]) => void = () => {};
  onWritten: (changes: readonly Change[]) => void = () => {};

  /** `clock`: the database's own. */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** The ledger entry of the agent's present generation. */
  ledgerOf(agent: fleet.AgentId): fleet.LedgerEntry | null {
    const generation = this.assignments.get(agent)?.generation ?? 0;
    return this.ledgers.get(agent)?.get(generation) ?? null;
  }

  open(client: Client): Store {
    const read = <T>(value: () => T): Promise<T> =>
      new Promise((resolve) => client.later(1, () => resolve(copy(value()))));
    /** Epoch of the lease that it has, once it has one. */
    let epoch: number | null = null;
    let leadsUntil = 0;
    const write = (changes: readonly Change[]): Promise<void> =>
      this.#transaction(client, () => {
        const why = this.#refusal(epoch, changes);
        if (why === undefined) this.write(changes);
        return why;
      });
    const writes = writeQueue(write);
    const lead = async (): Promise<Lease | null> => {
      let other: Lease | null = null;
      await this.#transaction(client, () => {
        if (epoch !== null) return this.#renewal(client, epoch);
        if (!client.isAlone && this.#clock() < this.lease.expiresAt) other = this.lease;
        else epoch = this.#take(client);
        return undefined;
      });
      return other;
    };
    return {
      lead: async () => {
        const asked = this.#clock();
        const other = await writes.run(lead);
        if (other === null) leadsUntil = asked + STORE_LIMITS.leaseTime;
        return other;
      },
      leads: () => client.isAlone || !this.fencing || this.#clock() < leadsUntil,
      load: () => new Promise((resolve) => client.later(1, () => resolve(this.#load()))),
      commit: (changes) => writes.commit(changes),
      files: (hash) => read(() => this.files.get(hash) ?? null),
      ledger: (agent) => read(() => [...(this.ledgers.get(agent)?.values() ?? [])].reverse()),
      texts: (digests) =>
        new Promise((resolve) => {
          const found = digests.flatMap((digest): [string, string][] => {
            const body = this.texts.get(digest);
            return body === undefined ? [] : [[digest, body]];
          });
          client.later(1, () => resolve(new Map(found)));
        }),
      rolloutLog: (rollout) => read(() => this.logs.get(rollout) ?? []),
      events: ({ after, limit, subject }) =>
        read(() =>
          this.events.filter((row) => row.seq > after && (subject ?? row.subject) === row.subject).slice(0, limit),
        ),
      idempotent: (key) =>
        new Promise((resolve) =>
          client.later(1, () => resolve(this.#answers.has(key) ? copy(this.#answers.get(key)) : undefined)),
        ),
      trim: async () => this.events[0]?.seq ?? 1,
      [Symbol.asyncDispose]: async () => {},
    };
  }

  /** Durable at one moment, known at a later one; between the two the process may end. */
  #transaction(client: Client, work: () => StoreError | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const { durable, told, fails } = client.write();
      client.disk(durable, () => {
        // A process that ended before its transaction did takes it along.
        if (!client.isAlive()) return;
        const why = fails === 'lost' ? new StoreError('unavailable', 'the disk is full') : work();
        client.later(told, () => {
          if (why !== undefined) reject(why);
          else if (fails === 'unknown') reject(new StoreError('unavailable', 'the connection ended in COMMIT'));
          else resolve();
        });
      });
    });
  }

  #take({ holder }: Client): number {
    const { epoch } = this.lease;
    this.lease = { holder, epoch: epoch + 1, expiresAt: this.#clock() + STORE_LIMITS.leaseTime };
    return epoch + 1;
  }

  #renewal({ holder }: Client, epoch: number): StoreError | undefined {
    if (epoch === this.lease.epoch) {
      this.lease = { holder, epoch, expiresAt: this.#clock() + STORE_LIMITS.leaseTime };
      return undefined;
    }
    return this.fencing ? new StoreError('fenced', `another server (${this.lease.holder}) has taken over`) : undefined;
  }

  #refusal(epoch: number | null, changes: readonly Change[]): StoreError | undefined {
    if (!this.fencing) return undefined;
    if (epoch !== this.lease.epoch)
      return new StoreError('fenced', `another server (${this.lease.holder}) has taken over`);
    const row = changes.map((change) => this.#conflict(change)).find((conflict) => conflict !== undefined);
    return row === undefined ? undefined : new StoreError('conflict', `${row} is already further than that`);
  }

  /** What stands there and is not to be written over: once-only rows, and later versions. */
  #conflict(change: Change): string | undefined {
    const row = onceOnly(change);
    if (row !== undefined) return this.#once.has(row) ? row : undefined;
    if (change.kind === 'agent-assignment')
      return (this.assignments.get(change.id)?.generation ?? 0) > change.row.generation ? change.id : undefined;
    if (change.kind === 'rollout')
      return (this.rollouts.get(change.row.id)?.version ?? 0) >= change.row.version ? change.row.id : undefined;
    return undefined;
  }

  write(changes: readonly Change[]): void {
    this.onWriting(changes);
    for (const change of changes) this.#apply(change);
    this.onWritten(changes);
  }

  #apply(change: Change): void {
    const row = onceOnly(change);
    if (row !== undefined) this.#once.add(row);
    switch (change.kind) {
      case 'configuration':
        this.configurations.set(change.row.name, change.row);
        break;
      case 'configuration-deleted':
        this.configurations.delete(change.name);
        break;
      case 'revision':
        this.revisions.set(`${change.row.configuration}@${change.row.number}`, change.row);
        this.files.set(change.row.hash, change.files);
        break;
      case 'group':
        this.groups.set(change.row.name, change.row);
        break;
      case 'group-deleted':
        this.groups.delete(change.name);
        break;
      case 'agent-identity':
        this.identities.set(change.row.id, change.row);
        break;
      case 'agent-report':
        this.reports.set(change.id, change.row);
        break;
      case 'agent-assignment':
        this.assignments.set(change.id, change.row);
        break;
      case 'ledger': {
        const entries = this.ledgers.get(change.id) ?? new Map<number, fleet.LedgerEntry>();
        this.ledgers.set(change.id, entries.set(change.row.generation, change.row));
        break;
      }
      case 'agent-deleted':
        for (const rows of [this.identities, this.reports, this.assignments, this.ledgers]) rows.delete(change.id);
        break;
      case 'text':
        this.texts.set(change.digest, change.body);
        break;
      case 'strategy':
        this.strategies.set(change.row.name, change.row);
        break;
      case 'rollout':
        this.rollouts.set(change.row.id, change.row);
        break;
      case 'rollout-log': {
        const log = this.logs.get(change.row.rollout) ?? [];
        // Version n stands at n - 1; without fencing a second leader writes over it.
        log[change.row.version - 1] = change.row;
        this.logs.set(change.row.rollout, log);
        break;
      }
      case 'event':
        this.events.push(change.row);
        break;
      case 'alert':
        this.alerts.set(change.row.id, change.row);
        break;
      case 'mark':
        this.marks.set(change.name, change.value);
        break;
      case 'idempotency':
        this.#answers.set(change.key, change.answer);
        break;
      default:
        throw new Error(`the simulated store does not know ${(change as Change).kind}`);
    }
  }

  #load(): Loaded {
    const agents = byKey(this.identities).map((identity) => {
      const { id, instanceUid, firstSeen } = identity;
      const blank = newAgent(id, instanceUid, firstSeen);
      const report = this.reports.get(id) ?? blank.report;
      const assignment = this.assignments.get(id) ?? blank.assignment;
      return { identity, report, assignment, ledger: this.ledgerOf(id) };
    });
    const revisions = [...this.revisions.values()].sort(
      (a, b) =>
        (a.configuration < b.configuration ? -1 : Number(a.configuration > b.configuration)) || a.number - b.number,
    );
    const rollouts = byKey(this.rollouts).sort((a, b) => a.createdAt - b.createdAt);
    const lastEvent = this.events.reduce((last, { seq }) => Math.max(last, seq), 0);
    const rows = {
      configurations: byKey(this.configurations),
      revisions,
      groups: byKey(this.groups),
      agents,
      rollouts,
    };
    return {
      ...copy(rows),
      marks: new Map(this.marks),
      firstEvent: this.events[0]?.seq ?? 1,
      lastEvent,
      travelled: null,
      alerts: [...this.alerts.values()].sort((a, b) => a.raisedAt - b.raisedAt),
      webhooks: [],
      deliveries: [],
      strategies: byKey(this.strategies),
    };
  }
}
