import { Worker } from 'node:worker_threads';
import type { ConfigFiles, Problem, Understood } from '@flaghoist/fleet';
import { SERVER_LIMITS } from '../limits.ts';
import type { Answer, Question } from './reader-worker.ts';

type Asked = Question extends infer Q ? (Q extends { id: number } ? Omit<Q, 'id'> : never) : never;

interface Waiting {
  readonly question: Question;
  readonly resolve: (answer: unknown) => void;
  readonly giveUp: (why: string) => void;
}

/** Has texts understood in workers, agents' in one and operators' in another: neither waits for the other's. */
export class TextReader implements Disposable {
  readonly #agents = new Lane();
  readonly #operators = new Lane();

  understand(bodies: Readonly<Record<string, string>>): Promise<Understood> {
    return this.#agents.ask({ ask: 'understand', bodies }, (why): Understood => ({ unparsed: why }));
  }

  check(files: ConfigFiles): Promise<readonly Problem[]> {
    return this.#operators.ask({ ask: 'check', files }, (why) => [
      { file: '', line: 1, column: 1, rule: 'too-complex', message: why },
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
  #watch: NodeJS.Timeout | undefined;
  #lastId = 0;
  /** CPU time of the worker up to its last answer, ms. */
  #spent = 0;
  readonly #queue: Waiting[] = [];

  ask<T>(asked: Asked, otherwise: (why: string) => T): Promise<T> {
    this.#lastId += 1;
    const question = { ...asked, id: this.#lastId } as Question;
    return new Promise<T>((resolve) => {
      this.#queue.push({
        question,
        resolve: resolve as (answer: unknown) => void,
        giveUp: (why) => resolve(otherwise(why)),
      });
      if (this.#queue.length === 1) this.#next();
    });
  }

  #next(): void {
    const [waiting] = this.#queue;
    if (waiting === undefined) return;
    const worker = this.#worker ?? this.#start();
    this.#watch = setInterval(() => {
      // A worker that is starting or ending has no CPU time to tell.
      this.#weigh(worker, waiting).catch(() => {});
    }, SERVER_LIMITS.understandBudget / 4);
    worker.postMessage(waiting.question);
  }

  async #weigh(worker: Worker, waiting: Waiting): Promise<void> {
    const { user, system } = await worker.cpuUsage();
    const budget = SERVER_LIMITS.understandBudget;
    if (this.#queue[0] === waiting && (user + system) / 1_000 - this.#spent > budget)
      this.#abandon(`not understood within ${budget} ms`);
  }

  #start(): Worker {
    const worker = new Worker(new URL('./reader-worker.ts', import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: SERVER_LIMITS.understandMemory },
    });
    this.#worker = worker;
    this.#spent = 0;
    worker.unref();
    worker.on('message', ({ id, answer, spent }: Answer) => {
      const [waiting] = this.#queue;
      if (waiting?.question.id !== id) return;
      clearInterval(this.#watch);
      this.#spent = spent;
      this.#queue.shift();
      waiting.resolve(answer);
      this.#next();
    });
    worker.on('error', () => {
      if (worker === this.#worker) this.#abandon('not understood within the memory allowed');
    });
    return worker;
  }

  #abandon(why: string): void {
    this.#end();
    this.#queue.shift()?.giveUp(why);
    this.#next();
  }

  #end(): void {
    clearInterval(this.#watch);
    void this.#worker?.terminate();
    this.#worker = undefined;
  }

  [Symbol.dispose](): void {
    this.#end();
    for (const waiting of this.#queue.splice(0)) waiting.giveUp('the server is stopping');
  }
}
