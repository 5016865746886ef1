import { once } from 'node:events';
import type { Programs } from '@flaghoist/cli';
import { parseAddress, startServer } from '@flaghoist/server';
import own from '../package.json' with { type: 'json' };

/** Agents are sent away spread over this time when the server stops, so that they do not all come back at once (R10). */
const DRAIN_MS = 5_000;

/** Runs the server until it is interrupted. @throws SettingError, StoreError when it cannot start. */
export const serve: Programs['server'] = async ({ io }, options) => {
  const server = await startServer({
    data: options.data,
    opamp: parseAddress(options.opampListen),
    api: parseAddress(options.apiListen),
    ops: parseAddress(options.opsListen),
    insecureOpenEnrolment: options.insecureOpenEnrolment ?? false,
    webhookAllow: options.webhookAllow?.split(',') ?? [],
    version: own.version,
    // What is not durable must not be answered: end at once, and let agents come back to a server that can store.
    onFatal: () => process.exit(1),
  });
  const { opamp, api, ops } = server.addresses;
  const interrupted = io.interruption();
  io.stdout.write(`flaghoist ready opamp=${opamp} api=${api} ops=${ops}\n`);
  await once(interrupted, 'abort');
  await server.close({ drainMs: DRAIN_MS });
  return 0;
};
