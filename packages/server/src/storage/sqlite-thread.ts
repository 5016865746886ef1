/** The main side of one storage thread: an operation goes over as one message, and the answers come back in order. */
import { Worker } from 'node:worker_threads';
import { StoreError } from './store.ts';

export interface Start {
  readonly role: 'writer' | 'reader';
  readonly directory: string;
  /** The directory is shared with other servers. */
  readonly shared: boolean;
  /** By what name the lease is held, and for how long at a time, ms. */
  readonly holder: string;
  readonly leaseTime: number;
}

export type Request = readonly [operation: string, ...args: never[]];

/** A StoreError crosses threads by its parts: classes do not survive. */
export type Reply = { readonly value: unknown } | { readonly failure: Pick<StoreError, 'code' | 'message' | 'cause'> };

/** What a thread can be asked for, by name. */
export type Operations = Readonly<Record<string, (...args: never[]) => unknown>>;

/** The same, as it is asked for from here. */
type Remote<O extends Operations> = {
  readonly [Name in keyof O]: (...args: Parameters<O[Name]>) => Promise<ReturnType<O[Name]>>;
};

/**
 * Disposing lets the thread finish what it was asked, close the database and end.
 * @throws StoreError when the database cannot be opened; the thread has then ended.
 */
export async function startThread<O extends Operations>(start: Start): Promise<Remote<O> & AsyncDisposable> {
  const worker = new Worker(new URL('./sqlite-worker.ts', import.meta.url), {
    name: `storage ${start.role}`,
    workerData: start,
  });
  const pending: PromiseWithResolvers<never>[] = [];
  const exited = Promise.withResolvers<void>();
  let ended: StoreError | undefined;

  const end = (how: string, cause?: unknown): void => {
    ended ??= new StoreError('unavailable', `the storage ${start.role} ${how}: restart the server`, { cause });
    for (const { reject } of pending.splice(0)) reject(ended);
  };
  worker.on('message', (reply: Reply) => {
    const asked = pending.shift();
    if ('value' in reply) {
      asked?.resolve(reply.value as never);
    } else {
      const { code, message, cause } = reply.failure;
      asked?.reject(new StoreError(code, message, { cause }));
    }
  });
  worker.on('error', (error) => end(`failed: ${String(error)}`, error));
  worker.on('exit', () => {
    end('has ended');
    exited.resolve();
  });

  const answer = (): Promise<never> => {
    const asked = Promise.withResolvers<never>();
    pending.push(asked);
    return asked.promise;
  };
  const callerOf =
    (name: string) =>
    async (...args: never[]) => {
      if (ended !== undefined) throw ended;
      worker.postMessage([name, ...args] satisfies Request);
      return answer();
    };

  // The first answer is to the opening: what can be asked for.
  const names = await answer().catch(async (error: unknown): Promise<string[]> => {
    await exited.promise;
    throw error;
  });
  return {
    ...(Object.fromEntries(names.map((name) => [name, callerOf(name)])) as object as Remote<O>),
    async [Symbol.asyncDispose]() {
      worker.postMessage(null);
      await exited.promise;
    },
  };
}
