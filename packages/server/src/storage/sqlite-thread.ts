/** The main side of one storage thread: an operation goes over as one message and comes back as one. */
import { Worker } from 'node:worker_threads';
import type { DataFiles } from './data-directory.ts';
import { StoreError, type StoreErrorCode } from './store.ts';

export interface Start {
  readonly role: 'writer' | 'reader';
  readonly files: DataFiles;
}

export interface Request {
  readonly id: number;
  readonly name: string;
  readonly args: readonly unknown[];
}

/** A StoreError as it crosses threads, where classes and codes do not survive. */
export interface Failure {
  readonly code: StoreErrorCode;
  readonly message: string;
  readonly cause: string | undefined;
}

export type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly failure: Failure };

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: StoreError) => void;
}

type Operations = Readonly<Record<string, (...args: never[]) => unknown>>;

export class SqliteThread<O extends Operations> {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #exited: Promise<void>;
  #lastId = 0;
  #ended: StoreError | null = null;

  private constructor(start: Start) {
    this.#worker = new Worker(new URL('./sqlite-worker.ts', import.meta.url), {
      name: `storage ${start.role}`,
      workerData: start,
    });
    this.#worker.on('message', (reply: Reply) => this.#take(reply));
    this.#worker.on('error', (error) => this.#end(`the storage ${start.role} failed: ${String(error)}`, error));
    this.#exited = new Promise((resolve) => {
      this.#worker.on('exit', () => {
        this.#end(`the storage ${start.role} has ended`);
        resolve();
      });
    });
  }

  /** @throws StoreError when the database cannot be opened; the thread has then ended. */
  static async start<O extends Operations>(start: Start): Promise<SqliteThread<O>> {
    const thread = new SqliteThread<O>(start);
    try {
      await new Promise((resolve, reject) => thread.#pending.set(0, { resolve, reject }));
    } catch (error) {
      await thread.#exited;
      throw error;
    }
    return thread;
  }

  call<K extends keyof O & string>(name: K, ...args: Parameters<O[K]>): Promise<ReturnType<O[K]>> {
    if (this.#ended !== null) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#lastId += 1;
      const request: Request = { id: this.#lastId, name, args };
      this.#worker.postMessage(request);
      this.#pending.set(request.id, { resolve: (value) => resolve(value as ReturnType<O[K]>), reject });
    });
  }

  /** Lets the thread finish what it was asked, close the database and end. */
  async close(): Promise<void> {
    this.#worker.postMessage(null);
    await this.#exited;
  }

  #take(reply: Reply): void {
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if ('value' in reply) {
      pending?.resolve(reply.value);
    } else {
      const { code, message, cause } = reply.failure;
      pending?.reject(new StoreError(code, message, { cause }));
    }
  }

  #end(message: string, cause?: unknown): void {
    this.#ended ??= new StoreError('unavailable', `${message}: restart the server`, { cause });
    for (const { reject } of this.#pending.values()) reject(this.#ended);
    this.#pending.clear();
  }
}
