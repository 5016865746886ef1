/** The server as a whole: its parts started in order, its doors opened last, and all of it stopped in reverse. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { type Address, formatAddress, isLoopback, SettingError } from './addresses.ts';
import { beginControlPlane, composeControlPlane } from './control-plane.ts';
import { TextReader } from './effective/reader.ts';
import type { EventKind } from './events/journal-event.ts';
import { createAgentListener } from './gateway/listen.ts';
import { createApp } from './http/app.ts';
import { createOperationsServer } from './http/operations.ts';
import { takeLead } from './leadership.ts';
import { STORE_LIMITS } from './limits.ts';
import { openSqliteStore } from './storage/sqlite-store.ts';
import { addressGuard } from './webhooks/address-guard.ts';

export interface ServerOptions {
  /** Directory of the database; made when it is missing. */
  readonly data: string;
  /**
   * Shares the directory with other servers: this one waits until it may lead, and takes over from one that says nothing for
   * `leaseTime`, ms. Alone otherwise.
   */
  readonly shared?: boolean;
  readonly leaseTime?: number;
  readonly opamp: Address;
  readonly api: Address;
  readonly ops: Address;
  /** Lets agents in from everywhere without credentials. */
  readonly insecureOpenEnrolment?: boolean;
  /** Networks that webhooks may go to beside the public internet, such as `10.0.0.0/8`. */
  readonly webhookAllow?: readonly string[];
  readonly version: string;
  readonly logLevel?: string;
  /** Called when a commit failed: the process must end, since nothing more can be promised. */
  readonly onFatal: (error: unknown) => void;
}

export interface RunningServer extends AsyncDisposable {
  /** Where it listens, ports as they were given out. */
  readonly addresses: { readonly opamp: string; readonly api: string; readonly ops: string };
  /** Closes agents' connections spread over `drainMs`, then everything else. */
  close(options?: { readonly drainMs?: number }): Promise<void>;
}

/** Events that a large fleet makes many of. */
const QUIET: ReadonlySet<EventKind> = new Set<EventKind>([
  'agent.enrolled',
  'agents.changed',
  'rollout.progressed',
  'alert.updated',
]);

/** @throws SettingError when an address would open the server to everybody without that being asked for. */
function checkExposure({ opamp, api, insecureOpenEnrolment = false }: ServerOptions): void {
  if (!isLoopback(opamp) && !insecureOpenEnrolment) {
    throw new SettingError(
      `--opamp-listen ${formatAddress(opamp)} would let anybody who reaches it register agents and read configurations: ` +
        'listen on 127.0.0.1, or add --insecure-open-enrolment if the network protects it',
    );
  }
  if (!isLoopback(api)) {
    throw new SettingError(
      `--api-listen ${formatAddress(api)}: there are no accounts yet, so the API listens on loopback only`,
    );
  }
}

/** What to do when the system does not let us listen, by its error code. */
const NO_LISTENING: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there, perhaps a server of before: stop it, or give another port',
  EADDRNOTAVAIL: 'this machine does not have that address: give one that it has, such as 127.0.0.1',
  EACCES: 'this user may not listen there: give a port above 1023',
  ENOTFOUND: 'that host is not known: give an address, such as 127.0.0.1',
};

/** @throws SettingError that says which address cannot be had and what to do; its `code` is the system's. */
async function listening<T>(setting: string, address: Address, listen: () => Promise<T>): Promise<T> {
  try {
    return await listen();
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    const advice = NO_LISTENING[code];
    if (advice === undefined) throw cause;
    throw Object.assign(new SettingError(`${setting} ${formatAddress(address)}: ${advice}`, { cause }), { code });
  }
}

/** Leaves nothing behind when it fails. @throws SettingError, StoreError. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  checkExposure(options);
  const reachOf = addressGuard(options.webhookAllow ?? []);
  const { version } = options;
  await using started = new AsyncDisposableStack();
  const logger = pino({ level: options.logLevel ?? 'info' }, pino.destination(2));
  let isFatal = false;
  const onFatal = (error: unknown): void => {
    if (isFatal) return;
    isFatal = true;
    logger.fatal({ err: error }, 'the store failed: what is in memory is no longer what is on disk');
    options.onFatal(error);
  };
  const { shared, leaseTime = STORE_LIMITS.leaseTime } = options;
  const store = started.use(await openSqliteStore({ directory: options.data, shared, leaseTime }));
  const renewEvery = leaseTime / 3;
  await takeLead(store, logger, renewEvery);
  const renewal = setInterval(() => void store.lead().catch(onFatal), renewEvery);
  started.defer(() => clearInterval(renewal));
  const outside = { environment: process.env, random: Math.random, reachOf };
  const reader = started.use(new TextReader());
  const plane = await composeControlPlane(store, { reader, outside, version, onFatal });
  const { gateway, journal, now, reconciler, travelled, webhooks } = plane;
  journal.on('told', (events) => {
    for (const { kind, author, subject, data } of events) {
      logger[QUIET.has(kind) ? 'debug' : 'info']({ author, subject, ...data }, kind);
    }
  });
  started.defer(async () => {
    await reconciler.flush();
    reconciler.stop();
  });
  webhooks.start();
  started.defer(() => webhooks.stop());
  if (travelled !== null)
    logger.error(travelled, 'the database is older than what was committed to it: an older copy was put in its place');
  started.defer(await beginControlPlane(plane, onFatal));

  let ready = false;
  const app = createApp(plane, logger.child({}, { level: 'warn' }));
  started.defer(() => app.close());
  await listening('--api-listen', options.api, () => app.listen(options.api));
  const ops = createOperationsServer(version, () => ready);
  started.defer(() => {
    ops.closeAllConnections();
    ops.close();
  });
  await listening('--ops-listen', options.ops, () => once(ops.listen(options.ops), 'listening'));
  const agents = createAgentListener(gateway, now);
  const opampAddress = await listening('--opamp-listen', options.opamp, () => agents.listen(options.opamp));
  let drain = 0;
  started.defer(() => agents.close({ drainMs: drain }));
  ready = true;

  const addressOf = ({ address, port }: AddressInfo): string => formatAddress({ host: address, port });
  const running = started.move();
  const close = async ({ drainMs = 0 } = {}): Promise<void> => {
    ready = false;
    drain = drainMs;
    await running.disposeAsync();
  };
  return {
    addresses: {
      opamp: formatAddress(opampAddress),
      api: addressOf(app.server.address() as AddressInfo),
      ops: addressOf(ops.address() as AddressInfo),
    },
    close,
    [Symbol.asyncDispose]: () => close(),
  };
}
