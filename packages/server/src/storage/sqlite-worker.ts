/** The entry of both storage threads: opens its connection, then answers one operation per message. */
import { parentPort, workerData } from 'node:worker_threads';
import { openReader, openWriter } from './database.ts';
import { readOperations, writeOperations } from './operations.ts';
import { asStoreError } from './sqlite-error.ts';
import type { Failure, Reply, Request, Start } from './sqlite-thread.ts';

const { role, files } = workerData as Start;
const port = parentPort;
if (port === null) throw new Error('sqlite-worker.ts runs as a worker thread only');

function failure(error: unknown): Failure {
  const { code, message, cause } = asStoreError(error, files.directory);
  return { code, message, cause: cause instanceof Error ? cause.message : undefined };
}

function open(): { answer: (request: Request) => unknown; close: () => void } {
  const connection = role === 'writer' ? openWriter(files) : openReader(files);
  const operations = role === 'writer' ? writeOperations(connection.db) : readOperations(connection.db);
  const answer = ({ name, args }: Request): unknown => {
    const operation = (operations as Record<string, (...args: unknown[]) => unknown>)[name];
    return operation?.(...args);
  };
  return { answer, close: () => connection[Symbol.dispose]() };
}

function reply(id: number, work: () => unknown): void {
  let message: Reply;
  try {
    message = { id, value: work() };
  } catch (error) {
    message = { id, failure: failure(error) };
  }
  port?.postMessage(message);
}

// Request 0 is the opening itself. When it fails there is nothing to listen for, and the thread ends.
reply(0, () => {
  const { answer, close } = open();
  port.on('message', (request: Request | null) => {
    if (request !== null) {
      reply(request.id, () => answer(request));
      return;
    }
    close();
    port.close();
  });
});
