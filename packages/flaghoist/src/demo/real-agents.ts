/** `demo --real`: two real Supervisors, each with a real Collector, in the midst of the simulated fleet. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const INTEROP = join(import.meta.dirname, '../../../../interop');
/** Where `npm run interop` leaves what it builds. */
const BUILT = join(process.env['FLAGHOIST_INTEROP_CACHE'] ?? join(INTEROP, '../.cache/interop'), 'current');
const NAMES = ['real-1', 'real-2'];
const STOP_MILLIS = 15_000;

export interface SupervisorOptions {
  /** The server's OpAMP URL; its scheme chooses the transport. */
  readonly endpoint: string;
  /** The Supervisor's own, for what it keeps. */
  readonly directory: string;
  /** The Collector's program. */
  readonly collector: string;
  /** The Collector's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** What the agent says of itself; selectors see it. */
  readonly attributes: Readonly<Record<string, string>>;
  /** How long it waits before it says APPLIED, and the longest it gives the Collector. */
  readonly applyTimeoutMs: number;
  /** More settings of its `agent` section, by their own names. */
  readonly agent?: Readonly<Record<string, unknown>>;
}

/** The settings file of a Supervisor (JSON, which is YAML), fit for several of them on one machine. */
export function supervisorSettings(options: SupervisorOptions): string {
  const settings = {
    server: { endpoint: options.endpoint },
    capabilities: {
      accepts_remote_config: true,
      reports_remote_config: true,
      accepts_restart_command: true,
      reports_available_components: true,
    },
    storage: { directory: join(options.directory, 'storage') },
    agent: {
      executable: join(INTEROP, 'harness/collector.sh'),
      env: { FLEETCOL: options.collector, ...options.env },
      config_apply_timeout: `${options.applyTimeoutMs}ms`,
      bootstrap_timeout: '15s',
      description: { non_identifying_attributes: options.attributes },
      ...options.agent,
    },
    telemetry: { logs: { level: 'debug' }, metrics: { level: 'none' } },
  };
  return JSON.stringify(settings, null, 2);
}

async function startOne(name: string, index: number, endpoint: string, parent: string): Promise<ChildProcess> {
  const directory = join(parent, name);
  const file = join(directory, 'supervisor.yaml');
  await mkdir(directory);
  const settings = supervisorSettings({
    endpoint,
    directory,
    collector: join(BUILT, 'fleetcol'),
    env: { HOST_IP: `127.0.1.${index + 1}` }, // The same port on each.
    attributes: { role: 'edge', 'host.name': name },
    applyTimeoutMs: 3_000,
    agent: { validate_config: true },
  });
  await writeFile(file, settings);
  return spawn(join(BUILT, 'opampsupervisor'), ['--config', file], { stdio: 'ignore' });
}

/** Only SIGINT makes it stop its Collector as well. */
async function stopOne(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit', { signal: AbortSignal.timeout(STOP_MILLIS) });
  child.kill('SIGINT');
  await ended.catch(() => child.kill('SIGKILL'));
}

/** Starts them in a directory that exists; undefined when they are not built. Disposing stops them. */
export async function startRealAgents(endpoint: string, directory: string) {
  if (!existsSync(BUILT)) return undefined;
  const running = await Promise.all(NAMES.map((name, index) => startOne(name, index, endpoint, directory)));
  return { count: NAMES.length, [Symbol.asyncDispose]: async () => void (await Promise.all(running.map(stopOne))) };
}
