/**
 * Merges the commits that arrive while a transaction is being written, or too soon after it began, into the next one.
 * A caller learns of its commit only when the transaction with it is durable (R2). One failure is final: what is in
 * memory may then not be on disk, and a failed fsync cannot be repeated (R4), so every later commit is refused.
 */
import type { Millis } from '@flaghoist/fleet';
import { coalesce } from './batch.ts';
import type { Clock } from './clock.ts';
import { LIMITS } from './limits.ts';
import { type Change, StoreError } from './store.ts';

/** What one transaction did: commits merged, changes asked for, changes left after merging, time from request to durable. */
export interface Written {
  readonly commits: number;
  readonly changes: number;
  readonly rows: number;
  readonly took: Millis;
}

interface Waiting {
  readonly changes: readonly Change[];
  readonly resolve: () => void;
  readonly reject: (error: StoreError) => void;
}

interface Sink {
  /** Writes all or nothing, and resolves when it is durable. */
  readonly write: (changes: readonly Change[]) => Promise<void>;
  readonly observe: (written: Written) => void;
}

export class GroupCommit {
  readonly #sink: Sink;
  readonly #clock: Clock;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | null = null;
  #callOff: (() => void) | null = null;
  #beganAt = Number.NEGATIVE_INFINITY;
  #refusal: StoreError | null = null;

  constructor(sink: Sink, clock: Clock) {
    this.#sink = sink;
    this.#clock = clock;
  }

  commit(changes: readonly Change[]): Promise<void> {
    if (this.#refusal !== null) return Promise.reject(this.#refusal);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ changes, resolve, reject });
      this.#writeWhenDue();
    });
  }

  /** Runs another kind of write under the same rule: none after a failure, and a failure is final. */
  async beside<T>(write: () => Promise<T>): Promise<T> {
    if (this.#refusal !== null) throw this.#refusal;
    try {
      return await write();
    } catch (error) {
      this.refuse(asStoreError(error));
      throw error;
    }
  }

  /** Refuses everything that waits and everything to come. The first reason stays. */
  refuse(reason: StoreError): void {
    this.#refusal ??= reason;
    this.#callOff?.();
    this.#callOff = null;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#refusal);
  }

  /** Writes what waits, then refuses. */
  async close(reason: StoreError): Promise<void> {
    while (this.#writing !== null || this.#waiting.length > 0) {
      if (this.#writing === null) this.#write();
      await this.#writing;
    }
    this.refuse(reason);
  }

  /** Called with every commit, and not by timer alone: in a burst the poll phase keeps timers waiting. */
  #writeWhenDue(): void {
    if (this.#writing !== null || this.#waiting.length === 0) return;
    const wait = this.#beganAt + LIMITS.commitGap - this.#clock.now();
    if (wait <= 0) this.#write();
    else this.#callOff ??= this.#clock.after(wait, () => this.#timeCame());
  }

  #timeCame(): void {
    this.#callOff = null;
    this.#writeWhenDue();
  }

  #write(): void {
    this.#callOff?.();
    this.#callOff = null;
    this.#beganAt = this.#clock.now();
    this.#writing = this.#transaction(this.#take()).then(() => {
      this.#writing = null;
      this.#writeWhenDue();
    });
  }

  #take(): readonly Waiting[] {
    let changes = 0;
    const past = this.#waiting.findIndex((each, index) => {
      changes += each.changes.length;
      return index > 0 && changes > LIMITS.batchChanges;
    });
    return this.#waiting.splice(0, past === -1 ? this.#waiting.length : past);
  }

  async #transaction(batch: readonly Waiting[]): Promise<void> {
    const changes = batch.flatMap((each) => each.changes);
    let rows = 0;
    try {
      const kept = coalesce(changes);
      rows = kept.length;
      await this.#sink.write(kept);
    } catch (error) {
      const reason = asStoreError(error);
      for (const { reject } of batch) reject(reason);
      this.refuse(reason);
      return;
    }
    for (const { resolve } of batch) resolve();
    const took = this.#clock.now() - this.#beganAt;
    this.#sink.observe({ commits: batch.length, changes: changes.length, rows, took });
  }
}

function asStoreError(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  return new StoreError('unavailable', `a commit could not be handed to the database: ${String(error)}`, {
    cause: error,
  });
}
