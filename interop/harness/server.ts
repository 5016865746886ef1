import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Api } from './api.ts';
import { Child } from './child.ts';
import type { Lab } from './lab.ts';
import { until } from './until.ts';

/** The command under test: this repository's, or an installed one. */
export const FLAGHOIST = process.env['FLAGHOIST_BIN'] ?? join(import.meta.dirname, '../../bin/flaghoist');
const READY = /^flaghoist ready opamp=(\S+) api=(\S+) ops=(\S+)$/m;

interface Listening {
  readonly opamp: string;
  readonly api: string;
  readonly ops: string;
}

/** Our server as a process that can be killed and started again on the same data and the same ports. */
export class Server {
  readonly #lab: Lab;
  #starts = 0;
  #child: Child | undefined;
  #at: Listening = { opamp: '127.0.0.1:0', api: '127.0.0.1:0', ops: '127.0.0.1:0' };

  constructor(lab: Lab) {
    this.#lab = lab;
    lab.onClose(async () => this.#child?.end('SIGTERM'));
  }

  get websocketUrl(): string {
    return `ws://${this.#at.opamp}/v1/opamp`;
  }

  get httpUrl(): string {
    return `http://${this.#at.opamp}/v1/opamp`;
  }

  get api(): Api {
    return new Api(this.#at.api);
  }

  async start(): Promise<this> {
    const { opamp, api, ops } = this.#at;
    const listen = ['--opamp-listen', opamp, '--api-listen', api, '--ops-listen', ops];
    const args = ['server', '--data', join(this.#lab.directory, 'data'), ...listen];
    const child = new Child(FLAGHOIST, args, join(this.#lab.directory, `server-${++this.#starts}.log`));
    this.#child = child;
    this.#at = await until(
      'the server is ready',
      () => {
        const [, opamp, api, ops] = READY.exec(child.log()) ?? [];
        if (opamp !== undefined && api !== undefined && ops !== undefined) return { opamp, api, ops };
        assert(child.running, `the server ended: ${child.log().slice(-2_000)}`);
        return undefined;
      },
      { timeoutMs: 60_000, everyMs: 50 },
    );
    return this;
  }

  /** `kill -9`: no farewell, nothing flushed. */
  async kill(): Promise<void> {
    await this.#child?.end('SIGKILL');
    this.#child = undefined;
  }
}

export function startServer(lab: Lab): Promise<Server> {
  return new Server(lab).start();
}
