/** `demo --real`: two real Supervisors, each with a real Collector, beside the simulated fleet. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Stage } from './stage.ts';

/** Where `npm run interop` leaves what it builds. */
const BUILT = process.env['FLAGHOIST_INTEROP_CACHE'] ?? join(import.meta.dirname, '../../../../.cache/interop');
const STOP_MILLIS = 15_000;

/** Runs on any free port and needs no other program; \`secondary\` is an exporter that goes nowhere. */
const config = (secondary: boolean): string => `receivers:
  otlp: { protocols: { http: { endpoint: 127.0.0.1:0 } } }
exporters:
  debug: {}
${secondary ? '  otlp/secondary: { endpoint: 127.0.0.1:4317, tls: { insecure: true } }\n' : ''}service:
  telemetry: { metrics: { level: none } }
  pipelines:
    traces: { receivers: [otlp], exporters: [debug${secondary ? ', otlp/secondary' : ''}] }
`;

const GROUP = `apiVersion: flaghoist/v1
kind: Group
metadata: { name: real }
spec: { selector: "role=real", configuration: real }
`;

async function startOne(name: string, url: string, directory: string): Promise<ChildProcess> {
  const home = join(directory, name);
  await mkdir(home);
  await writeFile(join(home, 'local.yaml'), config(false));
  const settings = {
    server: { endpoint: url },
    capabilities: {
      accepts_remote_config: true,
      reports_remote_config: true,
      reports_available_components: true,
    },
    storage: { directory: home },
    agent: {
      executable: join(BUILT, 'current/fleetcol'),
      config_files: [join(home, 'local.yaml')],
      config_apply_timeout: '3s',
      bootstrap_timeout: '15s',
      validate_config: true,
      description: { non_identifying_attributes: { role: 'real', 'host.name': name } },
    },
  };
  await writeFile(join(home, 'supervisor.yaml'), JSON.stringify(settings)); // JSON is YAML.
  return spawn(join(BUILT, 'current/opampsupervisor'), ['--config', join(home, 'supervisor.yaml')], {
    stdio: 'ignore',
  });
}

/** Only SIGINT makes it stop its Collector as well. */
async function stopOne(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit', { signal: AbortSignal.timeout(STOP_MILLIS) });
  child.kill('SIGINT');
  await ended.catch(() => child.kill('SIGKILL'));
}

/** Starts them one after the other: each bootstrap needs port 8888. Resolves to what stops them. */
export async function startRealAgents(
  stage: Stage,
  url: string,
  directory: string,
): Promise<AsyncDisposable | undefined> {
  try {
    await access(join(BUILT, 'current/opampsupervisor'));
  } catch {
    stage.say('The real Supervisor and Collector are not built here: npm run interop builds them (needs Go).');
    return undefined;
  }
  const running: ChildProcess[] = [];
  for (const name of ['real-1', 'real-2']) {
    running.push(await startOne(name, url, directory));
    const healthy = async () =>
      await stage.ask<{ health: { healthy: boolean } | null }[]>('agent', 'list', '-l', `host.name=${name}`);
    await stage.until(healthy, ([agent]) => agent?.health?.healthy === true, 60_000);
  }
  return { [Symbol.asyncDispose]: async () => void (await Promise.all(running.map(stopOne))) };
}

/** The same two steps for the real ones; resolves to whether both revisions were proven. */
export async function pushToRealAgents(stage: Stage, directory: string): Promise<boolean> {
  stage.heading('The same with two real Supervisors and Collectors');
  await writeFile(join(directory, 'real.yaml'), GROUP);
  await stage.type('apply', '-f', join(directory, 'real.yaml'));
  const codes: number[] = [];
  for (const secondary of [false, true]) {
    const file = join(directory, `real-${secondary ? 2 : 1}.yaml`);
    await writeFile(file, config(secondary));
    const message = secondary ? 'a second backend' : 'first';
    codes.push(
      await stage.type(
        'push',
        file,
        '--configuration',
        'real',
        '--group',
        'real',
        '-m',
        message,
        '--watch',
        '--yes',
        '--timeout',
        '2m',
      ),
    );
  }
  await stage.type('agent', 'list', '--group', 'real');
  return codes.every((code) => code === 0);
}
