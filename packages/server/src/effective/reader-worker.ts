/** The thread in which texts are understood: whatever they hold, the main loop never reads YAML that others wrote. */
import { parentPort } from 'node:worker_threads';
import { type ConfigFiles, checkText, understand } from '@flaghoist/fleet';

export type Question =
  | { readonly id: number; readonly ask: 'understand'; readonly bodies: Readonly<Record<string, string>> }
  | { readonly id: number; readonly ask: 'check'; readonly files: ConfigFiles };

parentPort?.on('message', (question: Question) => {
  const answer = question.ask === 'understand' ? understand(question.bodies) : checkText(question.files);
  parentPort?.postMessage({ id: question.id, answer });
});
