import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach } from 'vitest';

/** Where the processes of one test file live: a directory of their own, and the duty to end all of them. */
export class Lab {
  readonly directory = mkdtempSync(join(tmpdir(), 'flaghoist-interop-'));
  /** What the processes wrote stays when asked for, when a test failed, and when none got as far as to start. */
  #keep = true;
  readonly #endings: (() => Promise<void>)[] = [];

  /** Called at once after starting something, so that a failure on the way to readiness ends it too. */
  onClose(ending: () => Promise<void>): void {
    this.#endings.push(ending);
  }

  keep(yes: boolean): void {
    this.#keep = yes;
  }

  async close(): Promise<void> {
    const results = await Promise.allSettled(this.#endings.map((end) => end()));
    if (this.#keep) console.error(`logs and data are kept in ${this.directory}`);
    else rmSync(this.directory, { recursive: true, force: true });
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }
}

/** A lab for the tests of this file. */
export function useLab(): Lab {
  const lab = new Lab();
  let failed = process.env['FLAGHOIST_INTEROP_KEEP'] !== undefined;
  beforeEach(({ onTestFailed }) => {
    lab.keep(failed);
    onTestFailed(() => {
      failed = true;
      lab.keep(true);
    });
  });
  afterAll(() => lab.close());
  return lab;
}

/**
 * A port that nobody listened on a moment ago, and that stays free until it is used, also while a server is away: the
 * system takes ports of outgoing connections from 32768 on.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(16_384, 32_768);
    const server = createServer().listen(port, '127.0.0.1');
    const free = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    server.close();
    if (free) return port;
  }
}
