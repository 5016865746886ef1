/** The main side of one storage thread: an operation goes over as one message, and the answers come back in order. */
import { Worker } from 'node:worker_threads';
import { StoreError } from './store.ts';

export interface Start {
  readonly role: 'writer' | 'reader';
  readonly directory: string;
}

export interface Request {
  readonly name: string;
  readonly args: readonly never[];
}

/** A StoreError crosses threads by its parts: classes do not survive. */
export type Reply = { readonly value: unknown } | { readonly failure: Pick<StoreError, 'code' | 'message' | 'cause'> };

/** What a thread can be asked for, by name. */
export type Operations = Readonly<Record<string, (...args: never[]) => unknown>>;

export class SqliteThread<O extends Operations> implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #pending: PromiseWithResolvers<never>[] = [];
  readonly #exited = Promise.withResolvers<void>();
  #ended: StoreError | null = null;

  private constructor(start: Start) {
    this.#worker = new Worker(new URL('./sqlite-worker.ts', import.meta.url), {
      name: `storage ${start.role}`,
      workerData: start,
    });
    this.#worker.on('message', (reply: Reply) => this.#take(reply));
    this.#worker.on('error', (error) => this.#end(`the storage ${start.role} failed: ${String(error)}`, error));
    this.#worker.on('exit', () => {
      this.#end(`the storage ${start.role} has ended`);
      this.#exited.resolve();
    });
  }

  /** @throws StoreError when the database cannot be opened; the thread has then ended. */
  static async start<O extends Operations>(start: Start): Promise<SqliteThread<O>> {
    const thread = new SqliteThread<O>(start);
    try {
      await thread.#answer();
    } catch (error) {
      await thread.#exited.promise;
      throw error;
    }
    return thread;
  }

  async call<K extends keyof O & string>(name: K, ...args: Parameters<O[K]>): Promise<ReturnType<O[K]>> {
    if (this.#ended !== null) throw this.#ended;
    const request: Request = { name, args: args as never[] };
    this.#worker.postMessage(request);
    return this.#answer();
  }

  /** Lets the thread finish what it was asked, close the database and end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#worker.postMessage(null);
    await this.#exited.promise;
  }

  #answer(): Promise<never> {
    const answer = Promise.withResolvers<never>();
    this.#pending.push(answer);
    return answer.promise;
  }

  #take(reply: Reply): void {
    const pending = this.#pending.shift();
    if ('value' in reply) {
      pending?.resolve(reply.value as never);
    } else {
      const { code, message, cause } = reply.failure;
      pending?.reject(new StoreError(code, message, { cause }));
    }
  }

  #end(message: string, cause?: unknown): void {
    this.#ended ??= new StoreError('unavailable', `${message}: restart the server`, { cause });
    for (const { reject } of this.#pending.splice(0)) reject(this.#ended);
  }
}
