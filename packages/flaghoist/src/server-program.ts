import type { Programs } from '@flaghoist/cli';
import { parseAddress, type RunningServer, SettingError, StoreError, startServer } from '@flaghoist/server';
import { VERSION } from './version.ts';

/** Agents are sent away spread over this time when the server stops, so that they do not all come back at once (R10). */
const DRAIN_MS = 5_000;

/** Runs the server until SIGTERM or SIGINT; a second signal ends it at once. Resolves to the exit code. */
export const serve: Programs['server'] = async (options, { stdout, stderr }) => {
  const { promise: ended, resolve: end } = Promise.withResolvers<number>();
  let server: RunningServer;
  try {
    server = await startServer({
      data: options.data,
      opamp: parseAddress(options.opampListen),
      api: parseAddress(options.apiListen),
      ops: parseAddress(options.opsListen),
      insecureOpenEnrolment: options.insecureOpenEnrolment ?? false,
      version: VERSION,
      // What is not durable must not be answered: end at once, and let agents come back to a server that can store.
      onFatal: () => process.exit(1),
    });
  } catch (error) {
    if (!(error instanceof SettingError || error instanceof StoreError)) throw error;
    stderr.write(`flaghoist: ${error.message}\n`);
    return 2;
  }
  const { opamp, api, ops } = server.addresses;
  stdout.write(`flaghoist ready opamp=${opamp} api=${api} ops=${ops}\n`);
  let stopping = false;
  const stop = (): void => {
    if (stopping) process.exit(130);
    stopping = true;
    server.close({ drainMs: DRAIN_MS }).then(
      () => end(0),
      () => end(1),
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  return ended;
};
