import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Api } from './api.ts';
import { Child } from './child.ts';
import { freePort, type Lab } from './lab.ts';
import { until } from './until.ts';

/** The command under test: this repository's, or an installed one. */
export const FLAGHOIST = process.env['FLAGHOIST_BIN'] ?? join(import.meta.dirname, '../../bin/flaghoist');

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
  readonly #at: Listening;

  constructor(lab: Lab, at: Listening) {
    this.#lab = lab;
    this.#at = at;
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
    await until(
      'the server is ready',
      () => {
        assert(child.running, `the server ended: ${child.log().slice(-2_000)}`);
        return child.log().includes(`flaghoist ready opamp=${opamp} api=${api} ops=${ops}\n`);
      },
      { timeoutMs: 60_000, everyMs: 50 },
    );
    return this;
  }

  /** Everything it has ever known. Only while it does not run. */
  loseData(): void {
    rmSync(join(this.#lab.directory, 'data'), { recursive: true });
  }

  /** `kill -9`: no farewell, nothing flushed. */
  async kill(): Promise<void> {
    await this.#child?.end('SIGKILL');
    this.#child = undefined;
  }
}

export async function startServer(lab: Lab): Promise<Server> {
  const address = async (): Promise<string> => `127.0.0.1:${await freePort()}`;
  return new Server(lab, { opamp: await address(), api: await address(), ops: await address() }).start();
}
