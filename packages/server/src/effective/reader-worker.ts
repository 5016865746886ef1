/** The thread in which texts are understood: whatever they hold, the main loop never reads YAML that others wrote. */
import { parentPort } from 'node:worker_threads';
import { type ConfigFiles, checkText, LIMITS, type Understood, understand } from '@flaghoist/fleet';

export type Question =
  | { readonly ask: 'understand'; readonly bodies: Readonly<Record<string, string>> }
  | { readonly ask: 'check'; readonly files: ConfigFiles };

export interface Answer {
  readonly answer: unknown;
  /** CPU time of this thread until now, ms. */
  readonly spent: number;
}

/** Aliases may name a component a hundred times over: what leaves this thread is no larger than a text may be. */
function understoodInBounds(bodies: Readonly<Record<string, string>>): Understood {
  const understood = understand(bodies);
  return JSON.stringify(understood).length > LIMITS.effectiveBytes
    ? { unparsed: 'its components and pipelines name more than a text may hold' }
    : understood;
}

parentPort?.on('message', (question: Question) => {
  const answer = question.ask === 'understand' ? understoodInBounds(question.bodies) : checkText(question.files);
  const { user, system } = process.threadCpuUsage();
  parentPort?.postMessage({ answer, spent: (user + system) / 1_000 } satisfies Answer);
});
