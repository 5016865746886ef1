import { Worker } from 'node:worker_threads';
import type { ConfigFiles, Problem, Understood } from '@flaghoist/fleet';
import { SERVER_LIMITS } from '../limits.ts';
import type { Question } from './reader-worker.ts';

type Asked = Question extends infer Q ? (Q extends { id: number } ? Omit<Q, 'id'> : never) : never;

interface Waiting {
  readonly question: Question;
  readonly resolve: (answer: unknown) => void;
  readonly giveUp: (why: string) => void;
}

/**
 * Has texts understood in a worker, one after the other, each within a budget of time and memory (R16). A text over
 * its budget ends the worker, not the server: it counts as unparsed and the next one gets a new worker.
 */
export class TextReader implements Disposable {
  #worker: Worker | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lastId = 0;
  readonly #queue: Waiting[] = [];

  understand(bodies: Readonly<Record<string, string>>): Promise<Understood> {
    return this.#ask({ ask: 'understand', bodies }, (why): Understood => ({ unparsed: why }));
  }

  check(files: ConfigFiles): Promise<readonly Problem[]> {
    return this.#ask({ ask: 'check', files }, (why) => [
      { file: '', line: 1, column: 1, rule: 'too-complex', message: why },
    ]);
  }

  #ask<T>(asked: Asked, otherwise: (why: string) => T): Promise<T> {
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
    const waiting = this.#queue[0];
    if (waiting === undefined) return;
    this.#worker ??= this.#start();
    this.#timer = setTimeout(
      () => this.#abandon(`not understood within ${SERVER_LIMITS.understandBudget} ms`),
      SERVER_LIMITS.understandBudget,
    );
    this.#worker.postMessage(waiting.question);
  }

  #start(): Worker {
    const worker = new Worker(new URL('./reader-worker.ts', import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: SERVER_LIMITS.understandMemory },
    });
    worker.unref();
    worker.on('message', ({ id, answer }: { id: number; answer: unknown }) => {
      const [waiting] = this.#queue;
      if (waiting?.question.id !== id) return;
      clearTimeout(this.#timer);
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
    clearTimeout(this.#timer);
    void this.#worker?.terminate();
    this.#worker = undefined;
    this.#queue.shift()?.giveUp(why);
    this.#next();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    void this.#worker?.terminate();
    this.#worker = undefined;
    for (const waiting of this.#queue.splice(0)) waiting.giveUp('the server is stopping');
  }
}
