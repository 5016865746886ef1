/** The entry of both storage threads: opens its connection, then answers one operation per message, in order. */
import { parentPort, workerData } from 'node:worker_threads';
import { openReader } from './database.ts';
import { readOperations } from './reader.ts';
import { asStoreError } from './sqlite-error.ts';
import type { Operations, Reply, Request, Start } from './sqlite-thread.ts';
import { openToWrite } from './writer.ts';

const start = workerData as Start;
const { role, directory } = start;
const port = parentPort;
if (port === null) throw new Error('sqlite-worker.ts runs as a worker thread only');

function answer(work: () => unknown): void {
  let reply: Reply;
  try {
    reply = { value: work() };
  } catch (error) {
    const { code, message, cause } = asStoreError(error, directory);
    reply = { failure: { code, message, cause } };
  }
  port?.postMessage(reply);
}

const opened = new DisposableStack();
process.once('exit', () => opened.dispose());

// The first answer is to the opening itself. When that fails there is nothing to listen for, and the thread ends.
answer(() => {
  const operations: Operations =
    role === 'writer' ? openToWrite(start, opened) : readOperations(openReader(directory, opened));
  port.on('message', (request: Request | null) => {
    if (request === null) return port.close();
    const [operation, ...args] = request;
    answer(() => operations[operation]?.(...args));
  });
  return Object.keys(operations);
});
