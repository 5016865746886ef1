/**
 * The store that each server process has on the durable rows: `storage/store.ts` without a disk. A transaction
 * becomes durable some time after it was asked for, in order; the process hears of it later still, or never.
 */
import { STORE_LIMITS } from '../../src/limits.ts';
import { type Change, type Lease, type Store, StoreError } from '../../src/storage/store.ts';
import { writeQueue } from '../../src/storage/write-queue.ts';
import { copy, Rows } from './rows.ts';

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

export class Database extends Rows {
  lease: Lease = { holder: '', epoch: 0, expiresAt: 0 };
  /** Off in a mutant: whoever comes writes, over whatever stands there. */
  fencing = true;
  readonly #clock: () => number;
  /** Called with each transaction, before and after its rows are there. */
  onWriting: (changes: readonly Change[]) => void = () => {};
  onWritten: (changes: readonly Change[]) => void = () => {};

  /** `clock`: the database's own. */
  constructor(clock: () => number) {
    super();
    this.#clock = clock;
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
      load: () => new Promise((resolve) => client.later(1, () => resolve(this.load()))),
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
          client.later(1, () => resolve(this.answers.has(key) ? copy(this.answers.get(key)) : undefined)),
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
    const row = changes.map((change) => this.conflict(change)).find((conflict) => conflict !== undefined);
    return row === undefined ? undefined : new StoreError('conflict', `${row} is already further than that`);
  }

  write(changes: readonly Change[]): void {
    this.onWriting(changes);
    for (const change of changes) this.apply(change);
    this.commits += 1;
    this.onWritten(changes);
  }
}
