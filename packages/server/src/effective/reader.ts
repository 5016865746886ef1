import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { ConfigFiles, Problem, Understood } from '@flaghoist/fleet';
import { SERVER_LIMITS } from '../limits.ts';
import type { Answer, Question } from './reader-worker.ts';

/** Has texts understood in workers, agents' in one and operators' in another: neither waits for the other's. */
export class TextReader implements Disposable {
  readonly #agents = new Lane();
  readonly #operators = new Lane();

  understand(bodies: Readonly<Record<string, string>>, whose: 'agents' | 'operators' = 'agents'): Promise<Understood> {
    const lane = whose === 'agents' ? this.#agents : this.#operators;
    return lane.ask({ ask: 'understand', bodies }, (unparsed): Understood => ({ unparsed }));
  }

  check(files: ConfigFiles): Promise<readonly Problem[]> {
    return this.#operators.ask({ ask: 'check', files }, (message) => [
      { file: '', line: 1, column: 1, rule: 'too-complex', message },
    ]);
  }

  [Symbol.dispose](): void {
    this.#agents[Symbol.dispose]();
    this.#operators[Symbol.dispose]();
  }
}

/**
 * One worker that answers one question after the other, each within a budget of time and memory (R16). The time is the
 * worker's own CPU time, so that a busy machine fails no honest text. A text over its budget ends the worker, not the
 * server: it counts as unparsed and the next one gets a new worker.
 */
class Lane implements Disposable {
  #worker: Worker | undefined;
  /** CPU time of the worker up to its last answer, ms. */
  #spent = 0;
  /** The last question asked: the next one waits for it. */
  #last: Promise<unknown> = Promise.resolve();
  readonly #stopping = new AbortController();

  /** The answer, or what `otherwise` makes of the reason why there is none. */
  ask<T>(question: Question, otherwise: (why: string) => T): Promise<T> {
    const asked = this.#last.then(() => this.#answer(question));
    const answered = asked.catch((error: Error) => otherwise(error.message)) as Promise<T>;
    this.#last = answered;
    return answered;
  }

  async #answer(question: Question): Promise<unknown> {
    const overBudget = new AbortController();
    const signal = AbortSignal.any([overBudget.signal, this.#stopping.signal]);
    signal.throwIfAborted();
    this.#worker ??= this.#start();
    const worker = this.#worker;
    const budget = SERVER_LIMITS.understandBudget;
    const watch = setInterval(async () => {
      // A worker that is starting or ending has no CPU time to tell.
      const { user, system } = await worker.cpuUsage().catch(() => ({ user: 0, system: 0 }));
      if ((user + system) / 1_000 - this.#spent > budget)
        overBudget.abort(new Error(`not understood within ${budget} ms`));
    }, budget / 4);
    try {
      worker.postMessage(question);
      const [{ answer, spent }] = (await once(worker, 'message', { signal })) as [Answer];
      this.#spent = spent;
      return answer;
    } catch {
      void worker.terminate();
      this.#worker = undefined;
      throw signal.reason ?? new Error('not understood within the memory allowed');
    } finally {
      clearInterval(watch);
    }
  }

  #start(): Worker {
    this.#spent = 0;
    const worker = new Worker(new URL('./reader-worker.ts', import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: SERVER_LIMITS.understandMemory },
    });
    worker.unref();
    // An error ends the question that caused it, and is no error of ours.
    worker.on('error', () => {});
    return worker;
  }

  [Symbol.dispose](): void {
    this.#stopping.abort(new Error('the server is stopping'));
    void this.#worker?.terminate();
  }
}
